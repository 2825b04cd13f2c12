function mpc = ohms
%OHMS  The case perUnit with loads in kW and impedances in ohms, converted by code at the end.
mpc.version = '2';
mpc.baseMVA = 10;
mpc.bus = [ %% (kW and kVAr here, converted below)
	1	3	0	0	0	0	1	1	0	10	1	1	1;
	2	1	400	200	0	0	1	1	0	10	1	1.1	0.9;
	3	1	0	0	0	0	1	1	0	10	1	1.1	0.9;
	4	1	2000	1000	0	0	1	1	0	10	1	1.1	0.9;
];
mpc.gen = [
	1	0	0	10	-10	1	100	1	10	0;
];
mpc.branch = [ %% (ohms)
	1	2	0.5	0.4	0	0	0	0	0	0	1	-360	360;
	2	3	0	0.3	0	0	0	0	0	0	1	-360	360;
	2	4	0.2	0.2	0	7.5	0	0	0	0	1	-360	360;
];
mpc.gencost = [
	2	0	0	3	0	20	0;
];
mpc.bus_name = { 'substation'; 'a % no comment'; "b"; 'c''s' };

%% convert branch impedances from ohms to p.u.
[PQ, PV, REF, NONE, BUS_I, BUS_TYPE, PD, QD, GS, BS, BUS_AREA, VM, ...
    VA, BASE_KV, ZONE, VMAX, VMIN, LAM_P, LAM_Q, MU_VMAX, MU_VMIN] = idx_bus;
[F_BUS, T_BUS, BR_R, BR_X] = idx_brch;
Vbase = mpc.bus(1, BASE_KV) * 1e3;      %% in volts
Sbase = mpc.baseMVA * 1e6;              %% in VA
mpc.branch(:, [BR_R BR_X]) = mpc.branch(:, [BR_R BR_X]) / (Vbase^2 / Sbase);

%% convert loads from kW to MW
mpc.bus(:, [PD, QD]) = mpc.bus(:, [PD, QD]) / 1e3;
