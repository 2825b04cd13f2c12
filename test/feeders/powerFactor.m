function mpc = powerFactor
%POWERFACTOR  Loads in kVA at one power factor.
mpc.version = '2';
mpc.baseMVA = 1;
mpc.bus = [
	1	3	0	0	0	0	1	1	0	12.47	1	1	1;
	2	1	100	0	0	0	1	1	0	12.47	1	1.1	0.9;
];
mpc.gen = [ 1 0 0 10 -10 1 100 1 10 0 ];
mpc.branch = [
	1	2	0.01	0.01	0	0	0	0	0	0	1	-360	360;
];
define_constants;
pf = 0.6;
mpc.bus(:, PD) = mpc.bus(:, PD) ./ 1e3;
mpc.bus(:, QD) = mpc.bus(:, PD) * sin(acos(pf));
mpc.bus(:, PD) = pf .* mpc.bus(:, PD);
