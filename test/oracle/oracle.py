#!/usr/bin/python3
"""The market of docs/model.md, written down a second time and solved by another solver.

Reads a resolved scenario and prints the optimum as one JSON object. Shares no code with the package: whoever
changes the model changes docs/model.md first, then sections.py from that page alone.
Exit codes: 0 optimal; 2 bad input; 3 infeasible, or no solution to 1e-8.
"""

import argparse
import json
import sys
import time

from risk import METHODS
from sections import Market, formulate


class BadInput(Exception):
    pass


def report(m, solution):
    counts = {"variables": len(m.program.variables), "constraints": m.program.constraints()}
    if solution.status != "optimal":
        return {"status": solution.status, "objective": None, **counts, "blocking": solution.blocking}
    return {
        "objective": solution.objective,
        "status": solution.status,
        **counts,
        "energyPrice": [[solution.dual(f"balance[{i},{t}]") / m.dt for i in m.prosumers] for t in m.hours],
        "allowancePrice": [solution.dual(f"allowance[{i}]") for i in m.prosumers] if m.carbon else None,
        "netEnergySoldMw": [[solution.value(m.net_sales(i, t)) for i in m.prosumers] for t in m.hours],
        "primalResidual": solution.residual,
        "gap": solution.gap,
    }


def read_scenario(path, hours):
    """The scenario, checked as far as this file leans on it."""
    try:
        with open(path, encoding="utf-8") as file:
            scenario = json.load(file)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: {error}") from error
    try:
        whole = scenario["hours"]
        if hours is not None and not 1 <= hours <= whole:
            raise BadInput(f"--hours {hours}: the scenario has {whole}")
        series = {
            "tariff.buyPerMwh": scenario["tariff"]["buyPerMwh"],
            "tariff.sellPerMwh": scenario["tariff"]["sellPerMwh"],
            "carbon.gridTPerMwh": scenario["carbon"]["gridTPerMwh"],
            "uncertainty.factor": scenario["uncertainty"]["factor"],
            "uncertainty.robustRadius": scenario["uncertainty"]["robustRadius"],
        }
        known = {who["id"] for who in scenario["prosumers"]}
        for who in scenario["prosumers"]:
            series[f"prosumer {who['id']}: load.fixedMw"] = who["load"]["fixedMw"]
            if "renewable" in who:
                series[f"prosumer {who['id']}: renewable.forecastMw"] = who["renewable"]["forecastMw"]
        for field, values in series.items():
            if len(values) != whole:
                raise BadInput(f"{path}: {field} has {len(values)} values, hours is {whole}")
        if len(known) != len(scenario["prosumers"]):
            raise BadInput(f"{path}: prosumers: an id occurs twice")
        for i in [i for pair in scenario["pairs"] for i in pair] + scenario["uncertainty"]["uncertain"]:
            if i not in known:
                raise BadInput(f"{path}: pairs or uncertainty.uncertain name prosumer {i}, which does not exist")
        if any(scenario["risk"]["meanRadius"][: hours or whole] + scenario["risk"]["stdRadius"][: hours or whole]):
            raise BadInput(f"{path}: risk.meanRadius, risk.stdRadius: only 0 is part of the model as written down")
    except (KeyError, TypeError) as error:
        raise BadInput(f"{path}: not a resolved scenario: {type(error).__name__} {error}") from error
    return scenario


def settings(arguments):
    switch = {"choices": ("on", "off")}
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("scenario")
    parser.add_argument("--hours", type=int)
    parser.add_argument("--risk", choices=METHODS)
    parser.add_argument("--epsilon", type=float)
    parser.add_argument("--network", default="on", **switch)
    parser.add_argument("--carbon", default="on", **switch)
    parser.add_argument("--network-risk", default="off", **switch)
    return parser.parse_args(arguments)


def clear(arguments):
    """The printed object for a list of command-line arguments."""
    chosen = settings(arguments)
    scenario = read_scenario(chosen.scenario, chosen.hours)
    hours = chosen.hours or scenario["hours"]
    risk = chosen.risk or scenario["risk"]["method"]
    epsilon = scenario["risk"]["epsilon"] if chosen.epsilon is None else chosen.epsilon
    if not 0.0 < epsilon < 1.0:
        raise BadInput(f"--epsilon {epsilon}: not between 0 and 1")
    started = time.monotonic()
    try:
        m = Market(
            scenario, hours, risk, epsilon, chosen.network == "on", chosen.carbon == "on", chosen.network_risk == "on"
        )
        program = formulate(m)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise BadInput(f"{chosen.scenario}: {type(error).__name__} {error}") from error
    return {**report(m, program.solve()), "seconds": round(time.monotonic() - started, 2)}


def main():
    try:
        answer = clear(sys.argv[1:])
    except BadInput as error:
        print(f"oracle: {error}", file=sys.stderr)
        return 2
    print(json.dumps(answer))
    return 0 if answer["status"] == "optimal" else 3


if __name__ == "__main__":
    sys.exit(main())
