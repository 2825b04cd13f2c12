function mpc = rootVoltage
% The reference is held at 1.05 p.u. by its generator.
mpc.version = '2';
mpc.baseMVA = 1;
mpc.bus = [
	1	3	0	0	0	0	1	1	0	11	1	1.05	1.05;
	2	1	0.8	0.3	0	0	1	1	0	11	1	1.1	0.9;
];
mpc.gen = [ 1 0 0 10 -10 1.05 100 1 10 0 ];
mpc.branch = [
	1	2	0.05	0.1	0	0	0	0	0	0	1	-360	360;
];
