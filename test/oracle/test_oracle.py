"""Quick checks of the oracle itself against figures worked out by hand: python3 -m unittest discover -s test/oracle"""

import contextlib
import io
import json
import os
import random
import sys
import tempfile
import unittest
from math import cos, pi

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import oracle
import program
from program import Linear, Program
from sections import REFERENCE_SIZE
from risk import METHODS, half_width, two_sided, worst_case


def least_half_width(m, s, method, epsilon):
    """Smallest T whose chance constraint holds, by cvxopt."""
    tiny = Program()
    T = tiny.variable("T")
    tiny.pay(T)
    two_sided(tiny, "limit", Linear(m), [s], T, method, epsilon, half_width(method, epsilon, 5.0))
    solution = tiny.solve()
    assert solution.status == "optimal", solution.status
    return solution.objective


def bisect(low, high, holds_at_high):
    """The point where a monotone predicate turns from false to true."""
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (low, middle) if holds_at_high(middle) else (middle, high)
    return high


class TwoSidedLimit(unittest.TestCase):
    def test_half_widths_at_five_percent(self):
        for method, K in (("ts-drcc", 4.472), ("bonferroni", 6.245), ("gaussian", 1.960), ("robust", 5.0)):
            self.assertAlmostEqual(half_width(method, 0.05, 5.0), K, delta=5e-4)

    def test_worst_case_at_published_points(self):
        published = (0.247, 0.176, 0.0518), (0.413, 0.122, 0.0414), (0.564, 0.549, 0.6195), (0.654, 0.334, 0.4824)
        for m, s, expected in published:
            self.assertAlmostEqual(worst_case(m, s, 1.0), expected, delta=5e-5)

    def test_cone_agrees_with_closed_form(self):
        draw = random.Random(7)
        branches = set()
        for _ in range(12):
            T = draw.uniform(0.2, 3.0)
            m, s = draw.uniform(0.0, 0.9) * T, draw.uniform(0.02, 0.5) * T
            expected = worst_case(m, s, T)
            if expected > 0.95:
                continue
            branches.add(s * s <= m * (T - m))
            found = bisect(1e-6, 1.0 - 1e-6, lambda epsilon: least_half_width(m, s, "ts-drcc", epsilon) <= T)
            self.assertAlmostEqual(found, expected, delta=1e-6, msg=f"m {m} s {s} T {T}")
        self.assertEqual(branches, {True, False})

    def test_other_methods_add_up(self):
        for method in ("bonferroni", "gaussian", "robust"):
            expected = 0.3 + half_width(method, 0.1, 5.0) * 0.2
            self.assertAlmostEqual(least_half_width(-0.3, 0.2, method, 0.1), expected, delta=1e-7)

    def test_without_offset_two_sided_is_chebyshev(self):
        self.assertAlmostEqual(least_half_width(0.0, 0.2, "ts-drcc", 0.05), 0.2 * half_width("ts-drcc", 0.05, 0), delta=1e-7)


def load(fixed, share=0.0):
    return {"fixedMw": fixed, "mvarPerMw": 0.0, "flexibleShare": share, "discomfort": 1000.0}


def generator(**changes):
    usual = {"minMw": 0.0, "maxMw": 1.0, "rampMwPerHour": 1.0, "costA": 10.0, "costB": 30.0}
    return {**usual, "emissionTPerMwh": 0.5, "reactiveMvar": 0.5, **changes}


def who(i, bus, fixed, **devices):
    common = {"sizeMw": REFERENCE_SIZE, "reserveUpPerMw": 3.0, "reserveDownPerMw": 3.0}
    return {"id": i, "bus": bus, "load": load(fixed), **common, **devices}


def scenario(prosumers, pairs, factor=None, uncertain=(), rating=None, v_min=0.9, v_max=1.1):
    """Buses 1 - 2 - 3; as many hours as the first prosumer's load has."""
    hours = len(prosumers[0]["load"]["fixedMw"])
    buses = [{"bus": b, "vMinPu": v_min if b > 1 else 0.9, "vMaxPu": v_max} for b in (1, 2, 3)]
    branches = [{"from": b, "to": b + 1, "rPu": 0.05, "xPu": 0.02, "ratingMva": rating} for b in (2, 1)]
    return {
        "hours": hours,
        "periodHours": 1.0,
        "feeder": {"baseMva": 1.0, "buses": buses, "branches": branches},
        "tariff": {
            "buyPerMwh": [100.0] * hours,
            "sellPerMwh": [20.0] * hours,
            "reserveUpPerMw": 15.0,
            "reserveDownPerMw": 9.0,
        },
        "carbon": {"gridTPerMwh": [0.2] * hours, "quotaTPerMwh": 0.1, "deskBuyPerT": 30.0, "deskSellPerT": 25.0},
        "regularisation": {"trade": 0.01, "reactive": 0.2},
        "risk": {"method": "ts-drcc", "epsilon": 0.05, "meanRadius": [0.0] * hours, "stdRadius": [0.0] * hours},
        "pairs": pairs,
        "prosumers": prosumers,
        "uncertainty": {"uncertain": list(uncertain), "factor": factor or [[[]]] * hours, "robustRadius": [5.0] * hours},
    }


def run(case, *options):
    """(exit code, printed object or None) of the command."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(case if isinstance(case, str) else json.dumps(case))
        file.flush()
        out, arguments = io.StringIO(), sys.argv
        sys.argv = ["oracle.py", file.name, *options]
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
                code = oracle.main()
        except SystemExit as stopped:
            code = stopped.code
        finally:
            sys.argv = arguments
    return code, json.loads(out.getvalue()) if out.getvalue() else None


def rich():
    """Two hours with every device, every product and a network."""
    battery = {"powerMw": 0.1, "minMwh": 0.02, "maxMwh": 0.2, "initialMwh": 0.1, "efficiency": 0.95, "wearPerMwh": 3.0}
    sun = {"forecastMw": [0.1, 0.25], "reactiveMvar": 0.1}
    first = who(1, 2, [0.05, 0.06], generator=generator())
    second = who(2, 3, [0.2, 0.1], renewable=sun, battery=battery)
    third = who(3, 3, [0.1, 0.2], renewable={**sun, "forecastMw": [0.0, 0.1]})
    second["load"].update(flexibleShare=0.2, mvarPerMw=0.3)
    factor = [[[0.01, 0.0], [0.004, 0.0]], [[0.02, 0.005], [0.0, 0.01]]]
    return scenario([first, second, third], [[1, 2], [1, 3], [2, 3]], factor, (2, 3), rating=0.4)


class HandMadeMarkets(unittest.TestCase):
    def near(self, found, expected):
        self.assertAlmostEqual(found, expected, delta=1e-7 * max(1.0, abs(expected)))

    def test_one_sale(self):
        case = scenario([who(1, 2, [0.0], generator=generator()), who(2, 3, [0.2])], [[1, 2]])
        code, found = run(case, "--carbon", "off")
        self.assertEqual(code, 0)
        self.near(found["objective"], 10.0 * 0.2**2 + 30.0 * 0.2 + 0.01 * 0.2**2)
        self.near(found["netEnergySoldMw"][0][0], 0.2)
        self.assertAlmostEqual(found["energyPrice"][0][0], 34.0, delta=1e-4)
        self.assertAlmostEqual(found["energyPrice"][0][1], 34.004, delta=1e-4)
        self.assertIsNone(found["allowancePrice"])

    def test_storage_loses_on_both_ways(self):
        battery = {"powerMw": 0.1, "minMwh": 0.0, "maxMwh": 0.2, "initialMwh": 0.0, "efficiency": 0.9, "wearPerMwh": 1.0}
        case = scenario([who(1, 2, [0.1, 0.05], battery=battery)], [])
        case["tariff"]["buyPerMwh"] = [30.0, 100.0]
        charged = 0.05 / 0.9**2
        self.near(run(case, "--carbon", "off")[1]["objective"], 30.0 * (0.1 + charged) + charged + 0.05)

    def test_load_shifts_until_discomfort_eats_the_gain(self):
        flexible = who(1, 2, [0.1, 0.1])
        flexible["load"].update(flexibleShare=0.2, discomfort=5000.0)
        case = scenario([flexible], [])
        case["tariff"]["buyPerMwh"] = [30.0, 100.0]
        shifted = 70.0 / (2.0 * 5000.0)
        expected = 30.0 * (0.1 + shifted) + 100.0 * (0.1 - shifted) + 5000.0 * shifted**2
        self.near(run(case, "--carbon", "off")[1]["objective"], expected)

    def test_ramp_ties_the_hours(self):
        plant = generator(costA=0.0, rampMwPerHour=0.1)
        case = scenario([who(1, 2, [0.0, 0.3], generator=plant)], [])
        self.near(run(case, "--carbon", "off")[1]["objective"], 30.0 * (0.2 + 0.3) - 20.0 * 0.2)

    def test_reactive_power_is_made_where_the_line_is_full(self):
        case = scenario([who(1, 3, [0.3], generator=generator(costA=0.0))], [], rating=0.2)
        case["prosumers"][0]["load"]["mvarPerMw"] = 1.0
        made = 0.3 - 0.2 * cos(pi / 12.0)
        self.near(run(case, "--carbon", "off")[1]["objective"], 30.0 * 0.3 + 0.1 * made**2)

    def test_emissions_beyond_the_quota_are_bought(self):
        emitted, free = 0.5 * 0.2, 0.1 * 0.2
        costs = generator(costA=0.0, costB=30.0)
        code, found = run(scenario([who(1, 2, [0.2], generator=costs)], []))
        self.assertEqual(code, 0)
        self.near(found["objective"], 30.0 * 0.2 + 30.0 * (emitted - free))
        self.assertAlmostEqual(found["allowancePrice"][0], 30.0, delta=1e-4)

    def test_own_reserve_is_booked_for_each_method(self):
        sun = {"forecastMw": [0.0], "reactiveMvar": 0.0}
        case = scenario([who(1, 2, [0.2], generator=generator(), renewable=sun)], [], [[[0.006], [0.008]]], (1,))
        for method in METHODS:
            code, found = run(case, "--carbon", "off", "--risk", method)
            self.assertEqual(code, 0)
            booked = (half_width(method, 0.05, 5.0) or 0.0) * 0.01
            self.near(found["objective"], 10.0 * 0.2**2 + 30.0 * 0.2 + 6.0 * booked)

    def test_an_answer_is_bought_from_a_partner(self):
        sun = {"forecastMw": [0.0], "reactiveMvar": 0.0}
        prosumers = [who(1, 2, [0.2], generator=generator()), who(2, 3, [0.0], renewable=sun), who(3, 3, [0.0])]
        case = scenario(prosumers, [[1, 2], [2, 3]], [[[0.02]]], (2,))
        case["regularisation"]["trade"] = 10.0
        _, found = run(case, "--carbon", "off")
        bought = half_width("ts-drcc", 0.05, 5.0) * 0.02
        self.near(found["objective"], 10.0 * 0.2**2 + 30.0 * 0.2 + 6.0 * bought + 10.0 * bought**2)

    def test_stored_energy_limits_the_answer(self):
        sun = {"forecastMw": [0.0], "reactiveMvar": 0.0}
        for top, own in ((0.2, 0.8 * (0.03 - 0.02)), (0.034, (0.034 - 0.03) / 0.8)):
            battery = {"powerMw": 0.1, "minMwh": 0.02, "maxMwh": top, "initialMwh": 0.03}
            battery.update(efficiency=0.8, wearPerMwh=1.0)
            case = scenario([who(1, 2, [0.0], renewable=sun, battery=battery)], [], [[[0.01]]], (1,))
            _, found = run(case, "--carbon", "off", "--risk", "gaussian")
            needed = half_width("gaussian", 0.05, 5.0) * 0.01
            self.near(found["objective"], 6.0 * own + 24.0 * (needed - own))

    def test_booking_leans_to_the_cheaper_side(self):
        sun, sigma = {"forecastMw": [0.0], "reactiveMvar": 0.0}, 0.01
        owner = who(1, 2, [0.2], generator=generator(), renewable=sun)
        owner.update(reserveUpPerMw=5.0, reserveDownPerMw=1.0)
        _, found = run(scenario([owner], [], [[[sigma]]], (1,)), "--carbon", "off")

        def cost(lean):
            T = bisect(lean + 1e-9, 1.0, lambda T: worst_case(lean, sigma, T) <= 0.05)
            return 5.0 * (T - lean) + 1.0 * (T + lean)

        least = min(cost(k * 1e-6) for k in range(0, 60000, 20))
        self.assertLess(least, cost(0.0) - 1e-3)
        self.assertAlmostEqual(found["objective"], 10.0 * 0.2**2 + 30.0 * 0.2 + least, delta=1e-6)

    def test_network_risk_of_a_voltage(self):
        sun = {"forecastMw": [5.0], "reactiveMvar": 0.0}
        case = scenario([who(1, 3, [0.0], renewable=sun)], [], [[[0.02]]], (1,), v_max=1.02)
        _, found = run(case, "--carbon", "off", "--network-risk", "on")
        rise, middle, T = 2.0 * (0.05 + 0.05), (1.02**2 + 0.9**2) / 2.0, (1.02**2 - 0.9**2) / 2.0
        room = bisect(0.0, T, lambda m: worst_case(m, rise * 0.02, T) > 0.05)
        reserve = 24.0 * half_width("ts-drcc", 0.05, 5.0) * 0.02
        self.near(found["objective"], reserve - 20.0 * (middle + room - 1.0) / rise)

    def test_an_answer_at_the_same_bus_frees_the_line(self):
        sun = {"forecastMw": [1.0], "reactiveMvar": 0.0}
        plant = generator(costA=0.0, costB=0.0)
        case = scenario([who(1, 2, [0.0], generator=plant, renewable=sun)], [], [[[0.02]]], (1,), rating=0.3)
        _, found = run(case, "--carbon", "off", "--network-risk", "on")
        reserve = 6.0 * half_width("ts-drcc", 0.05, 5.0) * 0.02
        self.near(found["objective"], reserve - 20.0 * 0.3 * cos(pi / 12.0))

    def test_network_risk_leaves_room_for_the_error(self):
        sun = {"forecastMw": [1.0], "reactiveMvar": 0.0}
        case = scenario([who(1, 2, [0.0], renewable=sun)], [], [[[0.02]]], (1,), rating=0.3)
        reach, reserve = 0.3 * cos(pi / 12.0), 24.0 * half_width("ts-drcc", 0.05, 5.0) * 0.02
        _, nominal = run(case, "--carbon", "off")
        self.near(nominal["objective"], reserve - 20.0 * reach)
        _, found = run(case, "--carbon", "off", "--network-risk", "on")
        room = bisect(0.0, reach, lambda m: worst_case(m, 0.02, reach) > 0.05)
        self.near(found["objective"], reserve - 20.0 * room)
        for method in ("bonferroni", "gaussian", "robust"):
            _, found = run(case, "--carbon", "off", "--network-risk", "on", "--risk", method)
            K = half_width(method, 0.05, 5.0)
            self.near(found["objective"], 24.0 * K * 0.02 - 20.0 * (reach - K * 0.02))

    def test_prices_are_slopes_of_the_objective(self):
        """One more MWh of inflexible load costs its energy price less the free allowance that comes with it."""
        step, hour = 1e-4, 1
        _, found = run(rich(), "--network", "off")
        for k in (0, 2):
            ends = []
            for sign in (-1.0, 1.0):
                case = rich()
                case["prosumers"][k]["load"]["fixedMw"][hour] += sign * step
                ends.append(run(case, "--network", "off")[1]["objective"])
            expected = found["energyPrice"][hour][k] - 0.1 * found["allowancePrice"][k]
            self.assertAlmostEqual((ends[1] - ends[0]) / (2.0 * step), expected, delta=1e-3)

    def test_sparse_and_dense_newton_systems_agree(self):
        code, sparse = run(rich(), "--network-risk", "on")
        self.assertEqual(code, 0)
        self.assertLess(sparse["primalResidual"], 1e-9)
        kept, program.sparse_kkt = program.sparse_kkt, lambda *_: "ldl"
        try:
            _, dense = run(rich(), "--network-risk", "on")
        finally:
            program.sparse_kkt = kept
        self.near(sparse["objective"], dense["objective"])


class Refusals(unittest.TestCase):
    def test_infeasible_is_three(self):
        case = scenario([who(1, 3, [0.5])], [], rating=0.3)
        code, found = run(case)
        self.assertEqual((code, found["status"]), (3, "infeasible"))
        code, found = run(scenario([who(1, 3, [0.5])], [], v_min=0.98))
        self.assertEqual((code, found["status"]), (3, "infeasible"))
        self.assertIn("voltage[3,0] low", found["blocking"])

    def test_bad_input_is_two(self):
        good = scenario([who(1, 2, [0.1])], [])
        self.assertEqual(run(good)[0], 0)
        self.assertEqual(run("{")[0], 2)
        self.assertEqual(run({"hours": 1})[0], 2)
        self.assertEqual(run({**good, "pairs": [[1, 2]]})[0], 2)
        self.assertEqual(run({**good, "hours": 2})[0], 2)
        for options in (("--hours", "2"), ("--hours", "0"), ("--epsilon", "1"), ("--risk", "luck")):
            self.assertEqual(run(good, *options)[0], 2)


if __name__ == "__main__":
    unittest.main()
