function mpc = perUnit
%PERUNIT  Four buses already in MATPOWER's own units.
%
%   Data from ...
%       nowhere: made up to try the importer on.
%
mpc.version = '2';
mpc.baseMVA = 10;
%	bus_i	type	Pd	Qd	Gs	Bs	area	Vm	Va	baseKV	zone	Vmax	Vmin
mpc.bus = [
	1	3	0	0	0	0	1	1	0	10	1	1	1;
	2	1	0.4	0.2	0	0	1	1	0	10	1	1.1	0.9;
	3	1	0	0	0	0	1	1	0	10	1	1.1	0.9;
	4	1	2	1	0	0	1	1	0	10	1	1.1	0.9;
];
mpc.gen = [
	1	0	0	10	-10	1	100	1	10	0;
];
%	fbus	tbus	r	x	b	rateA	rateB	rateC	ratio	angle	status	angmin	angmax
mpc.branch = [
	1	2	0.05	0.04	0	0	0	0	0	0	1	-360	360;
	2	3	0	0.03	0	0	0	0	0	0	1	-360	360;
	2	4	0.02	0.02	0	7.5	0	0	0	0	1	-360	360;
];
