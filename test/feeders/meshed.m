function mpc = meshed
% A ring of three buses, all of it in service.
mpc.version = '2';
mpc.baseMVA = 1;
mpc.bus = [
	1	3	0	0	0	0	1	1	0	11	1	1	1;
	2	1	0.1	0	0	0	1	1	0	11	1	1.1	0.9;
	3	1	0.1	0	0	0	1	1	0	11	1	1.1	0.9;
];
mpc.gen = [ 1 0 0 10 -10 1 100 1 10 0 ];
mpc.branch = [
	1	2	0.01	0.01	0	0	0	0	0	0	1	-360	360;
	2	3	0.01	0.01	0	0	0	0	0	0	1	-360	360;
	1	3	0.01	0.01	0	0	0	0	0	0	1	-360	360;
];
