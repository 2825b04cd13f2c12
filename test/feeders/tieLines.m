function mpc = tieLines
% The case perUnit with other bus numbers, the reference in the third row, branches drawn either way,
% a tie line that is open and a bus that is switched off.
mpc.version = '2';
mpc.baseMVA = 10;
mpc.bus = [
	40	1	2	1	0	0	1	1	0	10	1	1.1	0.9;
	205	1	0.4	0.2	0	0	1	1	0	10	1	1.1	0.9;
	7	3	0	0	0	0	1	1	0	10	1	1	1;
	30	1	0	0	0	0	1	1	0	10	1	1.1	0.9;
	8	4	5	5	0	0	1	1	0	10	1	1.1	0.9;
];
mpc.gen = [
	7	0	0	10	-10	1	100	1	10	0;
	40	1	0	10	-10	1	100	0	10	0;
];
mpc.branch = [
	30	205	0	0.03	0	0	0	0	1	0	1	-360	360;
	30	40	2	2	0	0	0	0	0	0	0	-360	360;
	205	7	0.05	0.04	0	0	0	0	0	0	1	-360	360;
	40	205	0.02	0.02	0	7.5	0	0	0	0	1	-360	360;
];
