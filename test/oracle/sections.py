"""The sections of docs/model.md, one function each, in that page's symbols; written from the page alone."""

from math import cos, pi, sin, sqrt

from cvxopt import lapack, matrix

from program import Linear, Program, total
from risk import half_width, two_sided


REFERENCE_SIZE = 0.15107334  # MW


def size(who):
    """The member's own figure, MW: as declared, or the largest of load and ratings."""
    if "sizeMw" in who:
        return who["sizeMw"]
    ratings = (("generator", "maxMw"), ("renewable", "ratingMw"), ("battery", "powerMw"))
    peaks = [max(who["vehicle"]["powerMw"])] if "vehicle" in who else []
    peaks += [who["heatPump"]["powerMw"]] if "heatPump" in who else []
    return max(peaks + who["load"]["fixedMw"] + [who[device][name] for device, name in ratings if device in who])


class Market:
    """The scenario's first `hours`, the chosen switches, and the expressions that the sections below share."""

    def __init__(self, scenario, hours, risk, epsilon, network, carbon, network_risk):
        self.scenario, self.T, self.dt = scenario, hours, scenario["periodHours"]
        self.hours = range(hours)
        self.risk, self.epsilon = risk, epsilon
        self.network, self.carbon, self.network_risk = network, carbon, network_risk
        self.prosumers = {i["id"]: i for i in scenario["prosumers"]}
        self.pairs = [tuple(pair) for pair in scenario["pairs"]]
        self.partners = {i: set() for i in self.prosumers}
        for i, j in self.pairs:
            self.partners[i].add(j)
            self.partners[j].add(i)
        self.K = [half_width(risk, epsilon, radius) for radius in scenario["uncertainty"]["robustRadius"][:hours]]
        self.factors = [self.error_factors(t) for t in self.hours]
        mean = sum(size(i) for i in self.prosumers.values()) / len(self.prosumers)
        self.kappa, self.k_q = (scenario["regularisation"][k] * REFERENCE_SIZE / mean for k in ("trade", "reactive"))
        self.program = Program()
        self.energy = {}  # (i, j, t) for i < j: e_ij, MW; e_ji is its negative
        self.response = {}  # (i, j, t): r_ij, MW, seller i answers j
        self.joint = scenario["uncertainty"].get("joint")
        self.covariance = {}  # (j, t, k, u): of two errors, MW^2
        self.deviations = {}  # by name: of what a battery answers in one hour, MW
        self.answers = {}  # (i, device): {(j, t): r by that device, MW}, where reserve has to be deliverable
        self.own_devices = {i: {} for i in self.prosumers}  # expressions by symbol, each a list over the hours

    def owns_reserve(self, i):
        return "generator" in self.prosumers[i] or "battery" in self.prosumers[i]

    def error_factors(self, t):
        """{j: factor_j, the column as a list over the rows} of prosumers whose error needs an answer in hour t."""
        if self.risk == "deterministic":
            return {}
        uncertainty = self.scenario["uncertainty"]
        columns = {j: [row[k] for row in uncertainty["factor"][t]] for k, j in enumerate(uncertainty["uncertain"])}
        return {j: column for j, column in columns.items() if any(column)}

    def alpha(self, i, j, t):
        return self.response[i, j, t] / (self.K[t] * norm(self.factors[t][j]))

    def net_sales(self, i, t):
        sold = [e for (first, _, hour), e in self.energy.items() if first == i and hour == t]
        bought = [e for (_, second, hour), e in self.energy.items() if second == i and hour == t]
        return total(sold) - total(bought)


def norm(numbers):
    return sqrt(sum(number * number for number in numbers))


def prosumer(m, i):
    """Section "Prosumer i": devices with their costs. Reserve capacity and balances follow with the trades."""
    program, who, dt = m.program, m.prosumers[i], m.dt
    generator, renewable, battery, load = who.get("generator"), who.get("renewable"), who.get("battery"), who["load"]
    tariff = m.scenario["tariff"]
    x = m.own_devices[i]
    for symbol in ("p", "ch", "dis", "S", "dd", "g+", "g-", "P", "Q"):
        x[symbol] = []
    reactive = sum(device["reactiveMvar"] for device in (generator, renewable) if device)
    charged, degrees = [], []
    for t in m.hours:
        at = f"[{i},{t}]"
        fixed = load["fixedMw"][t]

        p = program.variable("p" + at, generator["minMw"], generator["maxMw"]) if generator else Linear()
        if generator:
            program.pay_square(dt * generator["costA"], p)
            program.pay(dt * generator["costB"] * p)
            if t >= 1 or "initialMw" in generator:
                ramp = generator["rampMwPerHour"] * dt
                before = x["p"][t - 1] if t >= 1 else Linear(generator["initialMw"])
                program.between("ramp" + at, -ramp, p - before, ramp)

        w = program.variable("w" + at, 0.0, renewable["forecastMw"][t]) if renewable else Linear()

        ch, dis, S = Linear(), Linear(), Linear()
        if battery:
            ch = program.variable("ch" + at, 0.0, battery["powerMw"])
            dis = program.variable("dis" + at, 0.0, battery["powerMw"])
            eta = battery["efficiency"]
            before = x["S"][t - 1] if t >= 1 else battery["initialMwh"]
            S = program.variable("S" + at)
            program.equal("storage" + at, S, before + dt * (eta * ch - dis / eta))
            final = battery.get("finalMwh", battery["initialMwh"])
            low = max(battery["minMwh"], final) if t == m.T - 1 else battery["minMwh"]
            program.between("stored" + at, low, S, battery["maxMwh"])
            program.pay(dt * battery["wearPerMwh"] * (ch + dis))

        car = Linear()
        if "vehicle" in who:
            car = charger(program, who["vehicle"], charged, t, dt, at)

        pump = Linear()
        if "heatPump" in who:
            pump = heating(m, who["heatPump"], degrees, t, at)

        flexible = load["flexibleShare"] * fixed
        dd = program.variable("dd" + at, -flexible, flexible) if flexible > 0.0 else Linear()
        program.pay_square(dt * load["discomfort"] / 2.0, dd)

        bought, sold = program.variable("g+" + at, low=0.0), program.variable("g-" + at, low=0.0)
        program.pay(dt * (tariff["buyPerMwh"][t] * bought - tariff["sellPerMwh"][t] * sold))

        q = program.variable("q" + at, -reactive, reactive) if reactive > 0.0 else Linear()
        program.pay_square(dt * m.k_q / 2.0, q)

        x["p"].append(p)
        x["ch"].append(ch)
        x["dis"].append(dis)
        x["S"].append(S)
        x["dd"].append(dd)
        x["g+"].append(bought)
        x["g-"].append(sold)
        x["P"].append(total([p, w, dis, -ch, -car, -pump, -fixed, -dd]))
        x["Q"].append(q - load["mvarPerMw"] * (fixed + dd))
    program.equal(f"flexible[{i}]", dt * total(x["dd"]), load.get("shiftedMwh", 0.0))


def charger(program, vehicle, charged, t, dt, at):
    """Section "Electric vehicle": what the charger draws, and what the car was charged with by the end of the period."""
    v = program.variable("v" + at, 0.0, vehicle["powerMw"][t])
    charged.append(total([*charged[-1:], (dt * vehicle["efficiency"]) * v]))
    if vehicle["powerMw"][t] > 0.0:
        program.between("charged" + at, vehicle["leastMwh"][t], charged[-1], vehicle["mostMwh"][t])
    return v


def heating(m, pump, degrees, t, at):
    """Section "Heat pump": what it draws, and the temperature at the end of the period."""
    program, dt = m.program, m.dt
    h = program.variable("h" + at, 0.0, pump["powerMw"])
    T = program.variable("T" + at, pump["lowC"], pump["highC"])
    before = degrees[-1] if degrees else pump["initialC"]
    lost = pump["lossMwPerC"] * (T - pump["aroundC"][t])
    gained = dt * (pump["cop"][t] * h - pump["drawnMw"][t] - lost)
    program.equal("heat" + at, pump["storeMwhPerC"] * (T - before), gained)
    degrees.append(T)
    final = pump.get("finalC", pump["initialC"])
    if t == m.T - 1 and warmest(pump, m.T, dt) >= final:
        program.at_least("as warm" + at, T, final)
    return h


def warmest(pump, periods, dt):
    """The temperature at the end, at full power whenever the band has room."""
    T, C, loss = pump["initialC"], pump["storeMwhPerC"], pump["lossMwPerC"]
    for t in range(periods):
        heat = dt * (pump["cop"][t] * pump["powerMw"] - pump["drawnMw"][t] + loss * pump["aroundC"][t])
        T = min(pump["highC"], (C * T + heat) / (C + dt * loss))
    return T


def energy_trades(m):
    """Section "Trades": one variable per pair and hour; every prosumer's energy balance."""
    kappa = m.kappa
    sales = {(i, t): [] for i in m.prosumers for t in m.hours}
    for i, j in m.pairs:
        for t in m.hours:
            e = m.energy[i, j, t] = m.program.variable(f"e[{i},{j},{t}]")
            m.program.pay_square(m.dt * kappa, e)  # kappa/2 on either side
            sales[i, t].append(e)
            sales[j, t].append(-e)
    for (i, t), sold in sales.items():
        x = m.own_devices[i]
        m.program.equal(f"balance[{i},{t}]", x["P"][t] + x["g+"][t] - x["g-"][t], total(sold))


def reserve_trades(m):
    """Section "Trades": who answers whose error, and for how much."""
    program, tariff = m.program, m.scenario["tariff"]
    kappa = m.kappa
    for t in m.hours:
        for j, factor in m.factors[t].items():
            utility = program.variable(f"u[{j},{t}]", low=0.0)
            program.pay(m.dt * (tariff["reserveUpPerMw"] + tariff["reserveDownPerMw"]) * utility)
            answers = [utility]
            for i in sorted({j} | m.partners[j]):
                if m.owns_reserve(i):
                    r = m.response[i, j, t] = program.variable(f"r[{i},{j},{t}]", low=0.0)
                    answers.append(r)
                    if i != j:
                        program.pay_square(m.dt * kappa, r)  # kappa/2 on either side
            program.equal(f"answered[{j},{t}]", total(answers), m.K[t] * norm(factor))


def sustains(m, i):
    """Section "Deliverable reserve": i's devices that can go on answering."""
    who = m.prosumers[i]
    devices = []
    ramp_free = m.T == 1 and "initialMw" not in who.get("generator", {})
    if "generator" in who and (who["generator"]["rampMwPerHour"] > 0.0 or ramp_free):
        devices.append("generator")
    if "battery" in who and who["battery"]["maxMwh"] > who["battery"]["minMwh"]:
        devices.append("battery")
    return devices


def reserve_capacity(m, i, t):
    """Section "Prosumer i", reserve: [(Ru, Rd)] of i's devices by their name."""
    program, who, x, at = m.program, m.prosumers[i], m.own_devices[i], f"[{i},{t}]"
    capacity = {}
    able = [device for device in ("generator", "battery") if device in who] if m.joint is None else sustains(m, i)
    if "generator" in able:
        generator, p = who["generator"], x["p"][t]
        rgu, rgd = program.variable("rgu" + at, low=0.0), program.variable("rgd" + at, low=0.0)
        program.at_least("rgu room" + at, generator["maxMw"], p + rgu)
        program.at_least("rgd room" + at, p - rgd, generator["minMw"])
        capacity["generator"] = (rgu, rgd)
    if "battery" in able:
        battery, charging = who["battery"], x["ch"][t] - x["dis"][t]
        rbu, rbd = program.variable("rbu" + at, low=0.0), program.variable("rbd" + at, low=0.0)
        program.at_least("rbu room" + at, battery["powerMw"], rbu - charging)
        program.at_least("rbd room" + at, battery["powerMw"], rbd + charging)
        if m.joint is None:
            program.at_least("rbu energy" + at, x["S"][t] - (m.dt / battery["efficiency"]) * rbu, battery["minMwh"])
            program.at_least("rbd energy" + at, battery["maxMwh"], x["S"][t] + (m.dt * battery["efficiency"]) * rbd)
        capacity["battery"] = (rbu, rbd)
    for up, down in capacity.values():
        program.pay(m.dt * (who["reserveUpPerMw"] * up + who["reserveDownPerMw"] * down))
    return capacity


def booking(m):
    """Section "Trades", booking: a seller's capacity holds its whole response, two-sided."""
    for t in m.hours:
        factors = m.factors[t]
        for i in m.prosumers:
            asked = [j for j in factors if (i, j, t) in m.response]
            if not asked:
                continue
            capacity = reserve_capacity(m, i, t)
            if m.joint is None:
                Ru, Rd = (total(side) for side in zip(*capacity.values()))
                book(m, f"booking[{i},{t}]", t, {j: m.response[i, j, t] for j in asked}, Ru, Rd)
                continue
            parts = {device: {} for device in capacity}
            for j in asked:
                for device in capacity:
                    r = parts[device][j] = m.program.variable(f"r {device}[{i},{j},{t}]", low=0.0)
                    m.answers.setdefault((i, device), {})[j, t] = r
                m.program.equal(f"parts[{i},{j},{t}]", m.response[i, j, t], total(part[j] for part in parts.values()))
            for device, (Ru, Rd) in capacity.items():
                book(m, f"booking {device}[{i},{t}]", t, parts[device], Ru, Rd)


def book(m, name, t, answered, Ru, Rd):
    """Capacity Ru, Rd holds the answers {j: r} of one hour."""
    factors = m.factors[t]
    rows = range(len(m.scenario["uncertainty"]["factor"][t]))
    a = [total(factors[j][row] / (m.K[t] * norm(factors[j])) * r for j, r in answered.items()) for row in rows]
    two_sided(m.program, name, (Ru - Rd) / 2.0, a, (Ru + Rd) / 2.0, m.risk, m.epsilon, m.K[t])


def joint_covariance(m, first, second):
    """Section "Deliverable reserve": covariance of the errors of j in hour t and of j' in hour t', MW^2."""
    (j, t), (k, u) = sorted((first, second), key=lambda at: (at[1], at[0]))
    if (j, t, k, u) in m.covariance:
        return m.covariance[j, t, k, u]
    uncertain = m.scenario["uncertainty"]["uncertain"]
    whose = m.joint.get("column", range(len(uncertain)))
    parts = {i: [] for i in uncertain}
    for c, source, rating in zip(whose, m.joint["source"], m.joint["ratingMw"]):
        parts[uncertain[c]].append((source, rating))
    part = {}
    for name in ("days", "persistent"):
        a, b = ([sum(row[source] * rating for source, rating in parts[i]) for row in m.joint[name][at]]
                for i, at in ((j, t), (k, u)))
        part[name] = sum(x * y for x, y in zip(a, b))
    carried = 1.0
    for hour in range(t + 1, u + 1):
        carried *= m.joint["lag"][hour]
    m.covariance[j, t, k, u] = part["days"] + carried * part["persistent"]
    return m.covariance[j, t, k, u]


def deviation_rows(m, moved):
    """Rows whose norm is the standard deviation of sum moved[j, t] * xi_jt, by the eigenvectors of the covariance."""
    keys = sorted(moved, key=lambda at: (at[1], at[0]))
    n = len(keys)
    covariance = matrix([[joint_covariance(m, a, b) for a in keys] for b in keys])
    values = matrix(0.0, (n, 1))
    lapack.syev(covariance, values, jobz="V")
    largest = max(values)
    return [
        sqrt(values[k]) * total(covariance[row, k] * moved[at] for row, at in enumerate(keys))
        for k in range(n)
        if values[k] > 1e-15 * largest
    ]


def deliverable(m):
    """Section "Deliverable reserve": ramps over two hours, stored energy until the market is cleared again."""
    if m.joint is None:
        return
    sustain = min(m.T, max(1, round(m.scenario["risk"]["sustainHours"] / m.dt)))
    alpha = {
        who: {(j, t): r / (m.K[t] * norm(m.factors[t][j])) for (j, t), r in answered.items()}
        for who, answered in m.answers.items()
    }
    for (i, device), moved in alpha.items():
        x = m.own_devices[i]
        for t in m.hours:
            if device == "generator" and (t >= 1 or "initialMw" in m.prosumers[i]["generator"]):
                most = m.prosumers[i]["generator"]["rampMwPerHour"] * m.dt
                asked = {at: (a if at[1] == t else -a) for at, a in moved.items() if t - 1 <= at[1] <= t}
                if asked:
                    before = x["p"][t - 1] if t >= 1 else Linear(m.prosumers[i]["generator"]["initialMw"])
                    change = x["p"][t] - before
                    two_sided(m.program, f"answering ramp[{i},{t}]", change, deviation_rows(m, asked), Linear(most),
                              m.risk, m.epsilon, m.K[t])
            if device == "battery":
                battery = m.prosumers[i]["battery"]
                eta = battery["efficiency"]
                asked = {at: (m.dt / eta) * a for at, a in moved.items() if t - sustain < at[1] <= t}
                if not asked:
                    continue
                lost = Linear()
                for hour in range(max(0, t - sustain + 1), t + 1):
                    rows = [a for at, a in moved.items() if at[1] == hour]
                    if rows and eta < 1.0:
                        lost = lost + m.dt * (1.0 / eta - eta) / 2.0 * deviation(m, i, hour, moved)
                low, high = battery["minMwh"] + lost, Linear(battery["maxMwh"])
                two_sided(m.program, f"answering stored[{i},{t}]", x["S"][t] - (low + high) / 2.0,
                          deviation_rows(m, asked), (high - low) / 2.0, m.risk, m.epsilon, m.K[t])


def deviation(m, i, hour, moved):
    """At least the standard deviation of what i's battery answers in one hour, by that hour's own moments, MW."""
    name = f"answered s[{i},{hour}]"
    if name not in m.deviations:
        factors = m.factors[hour]
        rows = range(len(m.scenario["uncertainty"]["factor"][hour]))
        spread = [total(factors[j][row] * a for (j, t), a in moved.items() if t == hour) for row in rows]
        m.deviations[name] = m.program.variable(name)
        m.program.cone(name, spread, m.deviations[name])
    return m.deviations[name]


def allowances(m):
    """Section "Trades", allowances: over the horizon."""
    if not m.carbon:
        return
    program, carbon, kappa = m.program, m.scenario["carbon"], m.kappa
    given = {i: [] for i in m.prosumers}
    for i, j in m.pairs:
        c = program.variable(f"c[{i},{j}]")
        program.pay_square(kappa, c)
        given[i].append(c)
        given[j].append(-c)
    for i, who in m.prosumers.items():
        x = m.own_devices[i]
        rate = who["generator"]["emissionTPerMwh"] if "generator" in who else 0.0
        emitted = total(m.dt * (rate * x["p"][t] + carbon["gridTPerMwh"][t] * x["g+"][t]) for t in m.hours)
        free = carbon["quotaTPerMwh"] * sum(who["load"]["fixedMw"][t] for t in m.hours) * m.dt
        buy, sell = program.variable(f"buy[{i}]", low=0.0), program.variable(f"sell[{i}]", low=0.0)
        program.pay(carbon["deskBuyPerT"] * buy - carbon["deskSellPerT"] * sell)
        program.at_least(f"allowance[{i}]", total([free, buy, -sell, *(-c for c in given[i])]), emitted)


def network(m):
    """Section "Network": flows and squared voltages from the injections, hour by hour, and their limits."""
    if not m.network:
        return
    program, feeder = m.program, m.scenario["feeder"]
    limits = {bus["bus"]: (bus["vMinPu"] ** 2, bus["vMaxPu"] ** 2) for bus in feeder["buses"]}
    for t in m.hours:
        at_bus = {bus: [i for i in m.prosumers if m.prosumers[i]["bus"] == bus] for bus in limits}
        noise = response_noise(m, t, at_bus)
        fp, fq, fnoise = {}, {}, {}
        for branch in reversed(outward(feeder)):
            bus, at = branch["to"], f"[{branch['to']},{t}]"
            children = [b["to"] for b in feeder["branches"] if b["from"] == bus]
            fp[bus], fq[bus] = program.variable("fp" + at), program.variable("fq" + at)
            P = total(m.own_devices[i]["P"][t] for i in at_bus[bus])
            Q = total(m.own_devices[i]["Q"][t] for i in at_bus[bus])
            program.equal("fp" + at, fp[bus], total([-P, *(fp[c] for c in children)]))
            program.equal("fq" + at, fq[bus], total([-Q, *(fq[c] for c in children)]))
            fnoise[bus] = []
            for row, injected in enumerate(noise[bus]):
                f = program.variable(f"fnoise{at}{row}")
                program.equal(f"fnoise{at}{row}", f, total([-1.0 * injected, *(fnoise[c][row] for c in children)]))
                fnoise[bus].append(f)
            if branch["ratingMva"] is not None:
                reach = branch["ratingMva"] * cos(pi / 12.0)
                for k in range(6):
                    across, along = (0.0, 1.0) if k == 3 else (cos(k * pi / 6.0), sin(k * pi / 6.0))
                    facet, spread = across * fp[bus] + along * fq[bus], [across * f for f in fnoise[bus]]
                    limit(m, f"facet{at}{k}", -reach, facet, reach, spread if k != 3 else [], t)
        v, vnoise = {feeder["buses"][0]["bus"]: Linear(1.0)}, {feeder["buses"][0]["bus"]: None}
        for branch in outward(feeder):
            bus, parent, at = branch["to"], branch["from"], f"[{branch['to']},{t}]"
            r, x = branch["rPu"] / feeder["baseMva"], branch["xPu"] / feeder["baseMva"]
            v[bus] = program.variable("v" + at)
            program.equal("v" + at, v[bus], v[parent] - 2.0 * (r * fp[bus] + x * fq[bus]))
            vnoise[bus] = []
            for row, f in enumerate(fnoise[bus]):
                u = program.variable(f"vnoise{at}{row}")
                above = vnoise[parent][row] if vnoise[parent] else 0.0
                program.equal(f"vnoise{at}{row}", u, above - 2.0 * r * f)
                vnoise[bus].append(u)
            limit(m, "voltage" + at, limits[bus][0], v[bus], limits[bus][1], vnoise[bus], t)


def limit(m, name, low, middle, high, spread, t):
    """low <= middle <= high, as a chance constraint where the noise has rows."""
    if spread:
        offset = middle - (low + high) / 2.0
        two_sided(m.program, name, offset, spread, Linear((high - low) / 2.0), m.risk, m.epsilon, m.K[t])
    else:
        m.program.between(name, low, middle, high)


def response_noise(m, t, at_bus):
    """Per bus, the rows of the injection's noise: errors less answers given there; the utility answers at the root."""
    factors = m.factors[t] if m.network_risk else {}
    rows = range(len(m.scenario["uncertainty"]["factor"][t]) if factors else 0)
    noise = {}
    for bus, here in at_bus.items():
        errors = [factors[j] for j in here if j in factors]
        answers = [(m.alpha(i, j, t), factors[j]) for i in here for j in factors if (i, j, t) in m.response]
        noise[bus] = [
            total([*(error[row] for error in errors), *(-factor[row] * alpha for alpha, factor in answers)])
            for row in rows
        ]
    return noise


def outward(feeder):
    """The branches, every one after the branch that feeds it."""
    reached, order, left = {feeder["buses"][0]["bus"]}, [], list(feeder["branches"])
    while left:
        ready = [branch for branch in left if branch["from"] in reached]
        if not ready or any(branch["to"] in reached for branch in ready):
            raise ValueError("feeder.branches: not a tree that points away from the first bus")
        reached.update(branch["to"] for branch in ready)
        order += ready
        left = [branch for branch in left if branch not in ready]
    return order


def formulate(m):
    for i in m.prosumers:
        prosumer(m, i)
    energy_trades(m)
    reserve_trades(m)
    booking(m)
    deliverable(m)
    allowances(m)
    network(m)
    return m.program
