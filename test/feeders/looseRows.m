function mpc = looseRows
% Rows end where their lines do; commas, signs and continuations as they come.
mpc.version = "2"; mpc.baseMVA = 1e1
%{
mpc.baseMVA = 99;
%}
mpc.bus = [
  1, 3, 0, 0, 0, 0, 1, 1, 0, 10, 1, 1, 1 % the substation

  2  1 +.4 0.2 0 0 1 1 0 10 ...
       1 1.1 0.9
  3 1 0 0 0 0 1 1 0 10 1 1.1 .9; 4 1 2 1 0 0 1 1 0 10 1 1.1 9d-1
]
mpc.gen = [1 0 0 10 -10 1 100 1 10 0];
mpc.branch = [1 2 0.05 0.04 0 0 0 0 0 0 1 -360 360
2 3 0 0.03 0 0 0 0 0 0 1 -360 360
2 4 0.02 0.02 0 7.5 0 0 0 0 1 -360 360]
end
