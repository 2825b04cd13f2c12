"""Named variables and rows of one convex quadratic program with second-order cones, and its solution by cvxopt.

Nothing here knows energy. A `Linear` is an affine expression; a `Program` collects rows under readable names;
`Program.solve` hands the sparse matrices to cvxopt.solvers.coneqp with a sparse KKT solver (cvxopt's own are
dense as soon as there is one cone).
"""

from cvxopt import matrix, misc, solvers, sparse, spmatrix, umfpack

TOLERANCES = (1e-10, 1e-9, 1e-8)  # coneqp's abstol, reltol and feastol, the first that it reaches
ROUNDING = 1e-10  # how far a row without variables may miss
SHORT = 1e-6  # least uniform loosening of every limit (in its own unit) that counts as infeasible


class Linear:
    """constant + sum of coefficient * variable."""

    def __init__(self, constant=0.0, terms=None):
        self.constant = constant
        self.terms = terms or {}

    def __add__(self, other):
        return total([self, other])

    def __mul__(self, factor):
        return Linear(self.constant * factor, {v: c * factor for v, c in self.terms.items()})

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return total([self, -other])

    def __rsub__(self, other):
        return total([other, -self])

    def __truediv__(self, divisor):
        return self * (1.0 / divisor)

    __radd__ = __add__
    __rmul__ = __mul__


def total(parts):
    """Sum of expressions and numbers."""
    constant, terms = 0.0, {}
    for part in parts:
        if isinstance(part, Linear):
            constant += part.constant
            for v, c in part.terms.items():
                terms[v] = terms.get(v, 0.0) + c
        else:
            constant += part
    return Linear(constant, {v: c for v, c in terms.items() if c != 0.0})


class Program:
    def __init__(self):
        self.variables = []  # names
        self.equalities = []  # (name, expression): expression = 0
        self.inequalities = []  # (name, expression): expression >= 0
        self.cones = []  # (name, [bound, *terms]): norm(terms) <= bound
        self.constant_cost = 0.0
        self.linear_cost = {}
        self.square_cost = {}  # (v, w) -> coefficient of x_v x_w
        self.broken = []  # names of rows without a variable that do not hold

    def variable(self, name, low=None, high=None):
        """A new variable; one whose bounds meet is a constant, so that the interior is never empty for that reason."""
        if low is not None and low == high:
            return Linear(low)
        self.variables.append(name)
        x = Linear(0.0, {len(self.variables) - 1: 1.0})
        if low is not None:
            self.at_least(name + " low", x, low)
        if high is not None:
            self.at_least(name + " high", high, x)
        return x

    def equal(self, name, left, right):
        row = total([left, -1.0 * right])
        if row.terms:
            self.equalities.append((name, row))
        elif abs(row.constant) > ROUNDING:
            self.broken.append(name)

    def at_least(self, name, left, right):
        """left >= right"""
        row = total([left, -1.0 * right])
        if row.terms:
            self.inequalities.append((name, row))
        elif row.constant < -ROUNDING:
            self.broken.append(name)

    def between(self, name, low, middle, high):
        """Numbers low <= high around an expression; an equality where they meet."""
        if low == high:
            self.equal(name, middle, low)
        else:
            self.at_least(name + " low", middle, low)
            self.at_least(name + " high", high, middle)

    def cone(self, name, terms, bound):
        """norm(terms) <= bound"""
        self.cones.append((name, [total([part]) for part in [bound, *terms]]))

    def pay(self, expression):
        """Adds an expression to the objective."""
        expression = total([expression])
        self.constant_cost += expression.constant
        for v, c in expression.terms.items():
            self.linear_cost[v] = self.linear_cost.get(v, 0.0) + c

    def pay_square(self, weight, expression):
        """Adds weight * expression^2, weight >= 0, to the objective."""
        expression = total([expression])
        self.pay(weight * expression.constant * (2.0 * expression - expression.constant))
        for v, c in expression.terms.items():
            for w, d in expression.terms.items():
                self.square_cost[v, w] = self.square_cost.get((v, w), 0.0) + weight * c * d

    def constraints(self):
        return len(self.equalities) + len(self.inequalities) + len(self.cones)

    def solve(self):
        """A `Solution`; its status is optimal, infeasible or unknown."""
        if self.broken:
            return Solution(self, "infeasible", blocking=self.broken)
        n = len(self.variables)
        P = spmatrix([2.0 * c for c in self.square_cost.values()], *indices(self.square_cost), (n, n))
        q = matrix(0.0, (n, 1))
        for v, c in self.linear_cost.items():
            q[v] = c
        A, b = rows([row for _, row in self.equalities], n)
        cone_rows = [row for _, cone in self.cones for row in cone]
        G, h = rows([row for _, row in self.inequalities] + cone_rows, n)
        G, h = -G, -h  # rows() reads terms = -constant; a cone row is constant + terms, so h = constant, G = -terms
        dims = {"l": len(self.inequalities), "q": [len(cone) for _, cone in self.cones], "s": []}
        for tolerance in TOLERANCES:
            found = run(P, q, G, h, dims, A, b, tolerance)
            if found:
                return Solution(self, "optimal", found)
            if tolerance == TOLERANCES[0]:
                shortage, blocking = self.shortage(G, h, dims, A, b)
                if shortage > SHORT:
                    return Solution(self, "infeasible", blocking=blocking)
        return Solution(self, "unknown")

    def shortage(self, G, h, dims, A, b):
        """Least tau >= 0 that, added to every limit, leaves a feasible point; and the rows that ask for it."""
        n = len(self.variables)
        width = [1.0] * dims["l"] + [1.0 if k == 0 else 0.0 for size in dims["q"] for k in range(size)]
        tau = spmatrix([1.0], [0], [n], (1, n + 1))
        loosened = sparse([-tau, sparse([[G], [-matrix(width)]])])
        P = spmatrix([1e-8] * (n + 1), range(n + 1), range(n + 1))  # bounds the level sets, leaves tau exact
        q = matrix([matrix(0.0, (n, 1)), matrix(1.0)])
        wider = {**dims, "l": dims["l"] + 1}
        A = sparse([[A], [spmatrix([], [], [], (A.size[0], 1))]])
        found = run(P, q, loosened, matrix([matrix(0.0), h]), wider, A, b, TOLERANCES[-1])
        if not found:
            return 0.0, []
        z, names, at = found["z"], {}, 1
        for name, _ in self.inequalities:
            names[name], at = z[at], at + 1
        for (name, _), size in zip(self.cones, dims["q"]):
            names[name], at = z[at], at + size
        return found["x"][n], sorted(names, key=names.get, reverse=True)[:5]


class Solution:
    def __init__(self, program, status, found=None, blocking=()):
        self.program, self.status, self.blocking = program, status, list(blocking)
        self.x = found and found["x"]
        self.objective = found and found["primal objective"] + program.constant_cost
        self.gap = found and found["primal objective"] - found["dual objective"]
        self.residual = found and self.worst_violation()
        self.duals = {}
        if found:
            self.duals.update((name, -y) for (name, _), y in zip(program.equalities, found["y"]))
            self.duals.update((name, z) for (name, _), z in zip(program.inequalities, found["z"]))

    def value(self, expression):
        expression = total([expression])
        return expression.constant + sum(c * self.x[v] for v, c in expression.terms.items())

    def dual(self, name):
        """Rate at which the objective rises as `left - right` of a named equality or inequality is made smaller."""
        return self.duals[name]

    def worst_violation(self):
        """Largest violation of any row, each evaluated afresh from the variables."""
        worst = 0.0
        for _, row in self.program.equalities:
            worst = max(worst, abs(self.value(row)))
        for _, row in self.program.inequalities:
            worst = max(worst, -self.value(row))
        for _, (bound, *terms) in self.program.cones:
            worst = max(worst, sum(self.value(t) ** 2 for t in terms) ** 0.5 - self.value(bound))
        return worst


def indices(entries):
    return [v for v, _ in entries], [w for _, w in entries]


def rows(expressions, n):
    """Sparse matrix and right-hand side of `expression = 0`."""
    values, lines, columns = [], [], []
    for line, expression in enumerate(expressions):
        for v, c in expression.terms.items():
            values.append(c)
            lines.append(line)
            columns.append(v)
    right = matrix([-e.constant for e in expressions], (len(expressions), 1), "d")
    return spmatrix(values, lines, columns, (len(expressions), n)), right


def run(P, q, G, h, dims, A, b, tolerance):
    """coneqp's answer, or None where it does not converge."""
    options = {"show_progress": False, "maxiters": 100, "refinement": 2}
    options.update(abstol=tolerance, reltol=tolerance, feastol=tolerance)
    try:
        found = solvers.coneqp(P, q, G, h, dims, A, b, kktsolver=sparse_kkt(P, G, dims, A), options=options)
    except (ArithmeticError, ValueError):  # an iterate that rounding has pushed off its cone
        return None
    return found if found["status"] == "optimal" else None


def sparse_kkt(P, G, dims, A):
    """coneqp's Newton systems [P A' G'; A 0 0; G 0 -W'W], scaled by W and factored by UMFPACK."""
    n, p, m = P.size[0], A.size[0], G.size[0]
    starts = [dims["l"] + sum(dims["q"][:k]) for k in range(len(dims["q"]))]

    def inverse_scaling(W):
        values, lines, columns = list(W["di"]), list(range(dims["l"])), list(range(dims["l"]))
        for start, beta, v in zip(starts, W["beta"], W["v"]):
            # W = beta (2 v v' - J), so its inverse is (2 J v v' J - J) / beta with J = diag(1, -1, ..., -1)
            jv = [v[0]] + [-c for c in v[1:]]
            for r in range(len(jv)):
                for c in range(len(jv)):
                    J = 0.0 if r != c else (1.0 if r == 0 else -1.0)
                    values.append((2.0 * jv[r] * jv[c] - J) / beta)
                    lines.append(start + r)
                    columns.append(start + c)
        return spmatrix(values, lines, columns, (m, m))

    def factor(W):
        scaled = inverse_scaling(W) * G
        minus_one = spmatrix(-1.0, range(m), range(m))
        none_pp, none_pm = spmatrix([], [], [], (p, p)), spmatrix([], [], [], (p, m))
        K = sparse([[P, A, scaled], [A.T, none_pp, none_pm.T], [scaled.T, none_pm, minus_one]])
        factors = umfpack.numeric(K, umfpack.symbolic(K))

        def solve(x, y, z):
            misc.scale(z, W, trans="T", inverse="I")
            right = matrix([x, y, z])
            umfpack.solve(K, factors, right)
            x[:], y[:], z[:] = right[:n], right[n : n + p], right[n + p :]

        return solve

    return factor
