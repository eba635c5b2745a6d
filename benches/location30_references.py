"""Membership attacks with reference models on Location-30, by numpy and by privet: how many references buy what.

    cargo build --release
    python benches/location30_references.py --data RAW --work SCRATCH [--privet target/release/privet] [--reference-only]

Trains 36 networks and 16 logistic regressions once (some minutes of one core, kept in SCRATCH), then prints three tables, each
cell `AUC/TPR at 1 % FPR`, mean over the targets; recorded numbers (research, set-ups M3 and M5) stand beside. Judged, and the
exit code is 1 if one fails: privet is within 0.02 of the recorded AUC and 0.05 of the recorded TPR for every attack and number of
references K, and its moderated t is within 0.01 of the best AUC at every K and within 0.05 of the best TPR where a variance
can be known (K >= 4; with one reference RMIA is the better one in the tail, recorded .166 against .054). The two attacks with a
variance per record are judged against numpy instead: the recorded numbers at K = 8 come of another stand-in for the variance of a
single score. With the floor of 1e-12 they are .879/.027 online and .860/.038 one-sided, near the recorded .885/.035 and .864/.049; with
the pooled variance, as written below and in privet, .908/.055 and .864/.094.
Location-30 has no licence: nothing of it is written outside SCRATCH.

Networks. For pair j = 0..17: one permutation from `default_rng(j)`; network 2j learns the first 2,505 rows of it, 2j+1
the other 2,505. `MLPClassifier((128,), "tanh", Adam, batch 64, 30 epochs, alpha 1e-4, random_state = its number)`, so
446-128-30. Target t = 0..7; its references are the first K of `default_rng(100 + t).permutation` of 0..35 without t and its
complement (t xor 1). Members are the rows that t learned, non-members the other 2,505. (References taken as complementary
pairs give every record K/2 scores on either side and do better at small K: online t .943/.407 at K = 4, .906/.302 at 2.)

Signals, in f64 from the logits z: ln p_y = z_y - logsumexp(z); scaled logit phi = z_y - logsumexp over j != y.
Record i has reference scores phi_ik; IN: the references that learned i, OUT: those that did not.
mu_o, n_o, mu_i, n_i: means and counts of the two sides. A record without any OUT (IN) score takes the mean of all OUT
(IN) scores of all records. Larger = more like a member, everywhere.

- pooled variance of a side: s^2 = sum_i sum_k (phi_ik - mean_i)^2 / sum_i (n_i - 1), means per record, records with
  n_i >= 2 only; where no record has two scores (K = 1) it is the variance (ddof 0) of all that side's scores.
- per-record variance: ddof 1; records with n_i < 2 take the pooled variance; floor 1e-12.
- offline density pooled: -log N(phi; mu_o, s_o), that is (phi - mu_o)^2 but for constants: the two-sided reference code.
- offline one-sided pooled: (phi - mu_o) / s_o. Per record: (phi - mu_o) / s_oi.
- online pooled: log N(phi; mu_i, s_i) - log N(phi; mu_o, s_o), each side with its own pooled variance. Per record alike.
- online moderated t, v0 = 4: a side's s~_i^2 = (v0 s^2 + (n_i - 1) s_oi^2) / (v0 + n_i - 1), Student t with
  v0 + n_i - 1 degrees of freedom, location mean_i, scale s~_i sqrt(1 + 1/n_i); n_i = 0 counts as 1 score at the pooled
  mean; score = ln t_in - ln t_out.
- RMIA: ln R_x = ln p_y(x; target) - ln P_x. Offline: P_x = 0.5 [(1 + a) mean_OUT p_y + (1 - a)], a = 0.3. Online: P_x = the
  mean of mean_IN p_y and mean_OUT p_y, where a record without one side takes the mean of p_y over all records' scores of
  that side, as above (copying its other side instead ruins K = 1: .786/.063; the mean of its class does better still:
  .885/.171). Score = share of population rows z with R_x / R_z > gamma, gamma = 1, z = the target's non-members, R_z
  by the same formula; ties are broken by ln R_x (added times 1e-9: it never outweighs one z). With that
  tie-breaker the ranking is that of ln R_x, so gamma and z change neither AUC nor TPR; without it they do.

Surrogates (second table): B = 8 random halves (`default_rng(b + 1000)`), blind to membership; on each a
`LogisticRegression(C)` (lbfgs, 300 iterations) on the 446 bits. mu, s: mean and sd (ddof 0) of phi over those that
did not learn the row (a row that all learned takes the mean of mu and s over the others). Plain difference: phi - mu.
Cross-fitted residual: rows cut in two halves at random (`default_rng(7)`); on the NON-members of one half a ridge
regression (strength 1, intercept free) of phi on [mu, mu^2, s, one-hot class], applied to the other half, and the other
way round; score = phi - prediction. Targets 0..5. privet reads the bits and the target's phi from a score file and
trains its own surrogates; for the forest's there is no numpy here.

Score files for the references have no columns but scores and masks of the references in use: a column that is no score is
a feature, and a mask of a model on the same halves would be a feature that no auditor has.
"""

import sys
import warnings

import numpy as np
from scipy.special import expit, gammaln, log_expit, logsumexp

import common

MODELS, TARGETS, BUDGETS = 36, range(8), (1, 4, 8, 16)
V0, OFFLINE_A = 4.0, 0.3

# Column: recorded AUC/TPR@1% at K = 1, 4, 8, 16 (research 2.7). The loss needs no reference.
RECORDED = {
    "loss": ((0.825, 0.011),) * 4,
    "offline density pooled": ((0.708, 0.031), (0.773, 0.131), (0.810, 0.242), (0.829, 0.289)),
    "offline one-sided pooled": ((0.845, 0.049), (0.869, 0.226), (0.890, 0.347), (0.902, 0.394)),
    "offline one-sided per record": (None, None, (0.864, 0.049), (0.895, 0.302)),
    "online pooled": ((0.889, 0.054), (0.934, 0.311), (0.948, 0.440), (0.953, 0.486)),
    "online per record": (None, None, (0.885, 0.035), (0.949, 0.411)),
    "online moderated t": ((0.889, 0.054), (0.937, 0.342), (0.950, 0.448), (0.956, 0.483)),
    "RMIA offline": ((0.856, 0.149), (0.890, 0.267), (0.904, 0.323), (0.911, 0.356)),
    "RMIA online": ((0.881, 0.166), (0.910, 0.307), (0.922, 0.369), (0.927, 0.400)),
}
# The name of each attack in privet's table of all attacks.
PRIVET = {
    "loss": "scaled logit, one threshold",
    "offline density pooled": "likelihood ratio, offline, density, pooled variance",
    "offline one-sided pooled": "likelihood ratio, offline, one-sided, pooled variance",
    "offline one-sided per record": "likelihood ratio, offline, one-sided, variance per record",
    "online pooled": "likelihood ratio, online, pooled variance",
    "online per record": "likelihood ratio, online, variance per record",
    "online moderated t": "likelihood ratio, online, moderated t",
    "RMIA offline": "RMIA, offline, a = 0.3",
    "RMIA online": "RMIA, online",
}
SURROGATES_RECORDED = {
    "loss": (0.826, 0.012),
    "C=1, plain difference": (0.907, 0.284),
    "C=1, cross-fitted residual": (0.898, 0.300),
    "C=100, plain difference": (0.685, 0.103),
    "C=100, cross-fitted residual": (0.891, 0.270),
    "forest, plain difference": (0.865, 0.019),
    "forest, cross-fitted residual": (0.863, 0.072),
}
PRIVET_SURROGATES = {
    "loss": "scaled logit, one threshold",
    "C=1, plain difference": "plain difference, logistic regression surrogates",
    "C=1, cross-fitted residual": "surrogate-calibrated residual, logistic regression surrogates",
    "forest, plain difference": "plain difference, random forest surrogates",
    "forest, cross-fitted residual": "surrogate-calibrated residual, random forest surrogates",
}
# How far AUC and TPR at 1 % may be from the recorded ones; and how far the moderated t may be behind the best.
NEAR, BEHIND = (0.02, 0.05), (0.01, 0.05)


# -------------------------------------------------------------------- networks


def halves(rows, models):
    """Which model learned which row: pairs of complementary halves."""
    learned = np.zeros((rows, models), dtype=bool)
    for j in range(models // 2):
        order = np.random.default_rng(j).permutation(rows)
        learned[order[: rows // 2], 2 * j] = True
        learned[:, 2 * j + 1] = ~learned[:, 2 * j]
    return learned


def logits_of(network, x):
    """The last layer before softmax, in f64."""
    hidden = np.tanh(x @ network.coefs_[0] + network.intercepts_[0])
    return hidden @ network.coefs_[1] + network.intercepts_[1]


def scaled_logit(logits, y):
    """ln p_y - ln(1 - p_y) without the cancellation of 1 - p_y."""
    rows = np.arange(len(y))
    others = logits.astype(np.float64).copy()
    chosen = others[rows, y].copy()
    others[rows, y] = -np.inf
    return chosen - logsumexp(others, axis=1)


def train_networks(x, y):
    from sklearn.neural_network import MLPClassifier

    learned = halves(len(y), MODELS)
    phi = np.empty(learned.shape)
    right = np.empty(learned.shape, dtype=bool)
    x = x.astype(np.float64)
    for k in range(MODELS):
        network = MLPClassifier((128,), activation="tanh", batch_size=64, max_iter=30, random_state=k)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network.fit(x[learned[:, k]], y[learned[:, k]])
        logits = logits_of(network, x)
        phi[:, k], right[:, k] = scaled_logit(logits, y), logits.argmax(axis=1) == y
    return {"learned": learned, "phi": phi, "right": right}


# --------------------------------------------------------------------- attacks


def side(phi, mask):
    """Mean, number, per-record variance (NaN below two scores) and pooled variance of one side."""
    n = mask.sum(axis=1)
    total = np.where(mask, phi, 0.0).sum(axis=1)
    mean = np.where(n > 0, total / np.maximum(n, 1), phi[mask].mean() if mask.any() else np.nan)
    squares = np.where(mask, (phi - mean[:, None]) ** 2, 0.0).sum(axis=1)
    freedom = np.maximum(n - 1, 0)
    own = np.where(n > 1, squares / np.maximum(freedom, 1), np.nan)
    pooled = squares.sum() / freedom.sum() if freedom.sum() else phi[mask].var()
    return mean, n, own, pooled


def log_normal(x, mean, variance):
    return -0.5 * np.log(variance) - 0.5 * (x - mean) ** 2 / variance


def log_student(x, mean, scale, v):
    z = (x - mean) / scale
    return gammaln((v + 1) / 2) - gammaln(v / 2) - 0.5 * np.log(v) - np.log(scale) - (v + 1) / 2 * np.log1p(z**2 / v)


def moderated(x, mean, n, own, pooled):
    n = np.maximum(n, 1)
    v = V0 + n - 1
    variance = (V0 * pooled + np.where(n > 1, (n - 1) * np.nan_to_num(own), 0.0)) / v
    return log_student(x, mean, np.sqrt(variance * (1 + 1 / n)), v)


def likelihood_ratio(phi, references, learned):
    """The attacks of the LiRA family."""
    mean_o, n_o, own_o, pooled_o = side(references, ~learned)
    mean_i, n_i, own_i, pooled_i = side(references, learned)
    filled_o, filled_i = (np.maximum(np.where(np.isnan(own), pooled, own), 1e-12)
                          for own, pooled in ((own_o, pooled_o), (own_i, pooled_i)))  # fmt: skip
    return {
        "offline density pooled": -log_normal(phi, mean_o, pooled_o),
        "offline one-sided pooled": (phi - mean_o) / np.sqrt(pooled_o),
        "offline one-sided per record": (phi - mean_o) / np.sqrt(filled_o),
        "online pooled": log_normal(phi, mean_i, pooled_i) - log_normal(phi, mean_o, pooled_o),
        "online per record": log_normal(phi, mean_i, filled_i) - log_normal(phi, mean_o, filled_o),
        "online moderated t": moderated(phi, mean_i, n_i, own_i, pooled_i) - moderated(phi, mean_o, n_o, own_o, pooled_o),
    }


def against_population(ratio, population):
    """Share of population rows with a smaller ratio (gamma = 1), ties broken by the ratio itself."""
    share = np.searchsorted(np.sort(population), ratio, side="left") / len(population)
    return share + ratio * 1e-9


def rmia(phi, references, learned, population):
    own, p = log_expit(phi), expit(references)
    mean_o, mean_i = side(p, ~learned)[0], side(p, learned)[0]
    offline = 0.5 * ((1 + OFFLINE_A) * mean_o + (1 - OFFLINE_A))
    both = np.maximum(0.5 * (mean_i + mean_o), 1e-12)
    ratios = {"RMIA offline": own - np.log(offline), "RMIA online": own - np.log(both)}
    return {name: against_population(ratio, ratio[population]) for name, ratio in ratios.items()}


def attacks(phi, references, learned, member):
    return {"loss": phi, **likelihood_ratio(phi, references, learned), **rmia(phi, references, learned, ~member)}


def references_of(target, budget):
    """Random models that are neither the target nor its complement; a larger budget adds to a smaller one."""
    others = [k for k in range(MODELS) if k not in (target, target ^ 1)]
    return np.random.default_rng(100 + target).permutation(others)[:budget].tolist()


def reference_table(networks):
    """By budget, by attack: mean over the targets of all metrics."""
    phi, learned = networks["phi"], networks["learned"]
    found = {}
    for budget in BUDGETS:
        each = []
        for target in TARGETS:
            used = references_of(target, budget)
            scores = attacks(phi[:, target], phi[:, used], learned[:, used], learned[:, target])
            each.append({name: common.metrics(score, learned[:, target]) for name, score in scores.items()})
        found[budget] = {name: np.mean([one[name] for one in each], axis=0) for name in each[0]}
    return found


# ------------------------------------------------------------------ surrogates


def train_surrogates(x, y, c, number=8):
    from sklearn.linear_model import LogisticRegression

    phi, learned = np.empty((len(y), number)), np.zeros((len(y), number), dtype=bool)
    x = x.astype(np.float64)
    for b in range(number):
        learned[np.random.default_rng(b + 1000).permutation(len(y))[: len(y) // 2], b] = True
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = LogisticRegression(C=c, max_iter=300).fit(x[learned[:, b]], y[learned[:, b]])
        phi[:, b] = scaled_logit(x @ model.coef_.T + model.intercept_, y)
    return {"phi": phi, "learned": learned}


def difficulty(phi, learned):
    """Mean and standard deviation over the surrogates that did not learn the row."""
    mean, n, *_ = side(phi, ~learned)
    spread = np.sqrt(np.where(~learned, (phi - mean[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(n, 1))
    known = n > 0
    return np.where(known, mean, mean[known].mean()), np.where(known, spread, spread[known].mean())


def ridge_residual(phi, features, member, seed=7, strength=1.0):
    """phi minus what a ridge regression, learned on the other half's non-members, expects."""
    half = np.random.default_rng(seed).permutation(len(phi)) < len(phi) // 2
    score = np.empty(len(phi))
    for apply in (half, ~half):
        fit = ~apply & ~member
        centre, level = features[fit].mean(axis=0), phi[fit].mean()
        a = features[fit] - centre
        weights = np.linalg.solve(a.T @ a + strength * np.eye(a.shape[1]), a.T @ (phi[fit] - level))
        score[apply] = phi[apply] - level - (features[apply] - centre) @ weights
    return score


def surrogate_table(networks, x, y, work):
    found = {"loss": [common.metrics(networks["phi"][:, t], networks["learned"][:, t]) for t in range(6)]}
    for c in (1, 100):
        surrogates = common.cached(work / f"location30-logistic-{c}.npz", lambda: train_surrogates(x, y, c))
        mean, spread = difficulty(surrogates["phi"], surrogates["learned"])
        features = np.column_stack([mean, mean**2, spread, np.eye(y.max() + 1)[y]])
        for t in range(6):
            phi, member = networks["phi"][:, t], networks["learned"][:, t]
            scores = {"plain difference": phi - mean, "cross-fitted residual": ridge_residual(phi, features, member)}
            for name, score in scores.items():
                found.setdefault(f"C={c}, {name}", []).append(common.metrics(score, member))
    return {name: np.mean(each, axis=0) for name, each in found.items()}


# ---------------------------------------------------------------------- privet

DRAWN = "members are a random half of all records (default_rng), paired with the complement"
KEPT = ("dataset/split-integrity", "membership/threshold", "membership/strongest")
REFERENCED = ("membership/calibrated", "membership/likelihood-ratio", "membership/rmia")


def target_columns(networks, y, target):
    return {"member": networks["learned"][:, target].astype(int), "label": y, "target": networks["phi"][:, target]}


def write_references(networks, y, target, budget, path):
    columns = target_columns(networks, y, target)
    for r, k in enumerate(references_of(target, budget)):
        columns[f"ref{r}"] = networks["phi"][:, k]
        columns[f"ref{r}_in"] = networks["learned"][:, k].astype(int)
    common.write_csv(path, columns)


def write_bits(networks, x, y, target, path):
    columns = target_columns(networks, y, target) | {f"bit{k}": bits for k, bits in enumerate(x.T.astype(int))}
    common.write_csv(path, columns)


def plan(name, checks, more=""):
    return f"""
[assessment]
name   = "location30-{name}"
output = "{name}-report"
seed   = 1

[scores]
file   = "{name}.csv"
member = "member"
label  = "label"
kind   = "scaled-logit"
target = "target"
{more}
{checks}"""


def references_plan(name, budget, checks):
    references = "".join(
        f'[scores.references.r{r}]\nscores = "ref{r}"\nmember = "ref{r}_in"\n' for r in range(budget)
    )
    return plan(name, checks, f'random_split = "{DRAWN}"\n{references}')


def average(each):
    """Mean metrics by attack, of one such table per target."""
    return {name: np.mean([one[name] for one in each], axis=0) for name in each[0]}


def privet_references(networks, y, work, privet):
    """By budget, by attack: mean over the targets of AUC and TPRs as privet reports them; seconds of all runs."""
    folder, total, found = work / "location30-references", 0.0, {}
    checks = common.all_but(privet, "the bench compares attacks with references", *KEPT, *REFERENCED)
    for budget in BUDGETS:
        each = []
        for target in TARGETS:
            name = f"target{target}-k{budget}"
            write_references(networks, y, target, budget, folder / f"{name}.csv")
            written = common.write_plan(folder / f"{name}.toml", references_plan(name, budget, checks))
            report, seconds, _ = common.run_privet(privet, written)
            total += seconds
            each.append({ours: common.attack_metrics(report, theirs) for ours, theirs in PRIVET.items()})
        found[budget] = average(each)
    return found, total


def privet_surrogates(networks, x, y, work, privet):
    """By attack: mean over six targets of AUC and TPRs; seconds of all runs."""
    folder, total, each = work / "location30-references", 0.0, []
    checks = common.all_but(privet, "the bench compares surrogates", *KEPT, "membership/surrogate-calibrated")
    for target in range(6):
        name = f"target{target}-bits"
        write_bits(networks, x, y, target, folder / f"{name}.csv")
        report, seconds, _ = common.run_privet(privet, common.write_plan(folder / f"{name}.toml", plan(name, checks)))
        total += seconds
        each.append({ours: common.attack_metrics(report, theirs) for ours, theirs in PRIVET_SURROGATES.items()})
    return average(each), total


# ----------------------------------------------------------------------- print


def two(values):
    """AUC and TPR at 1 % of `metrics`."""
    return common.pair((values[0], values[2]))


class Verdict:
    """Counts what fails."""

    def __init__(self):
        self.failed = 0

    def of(self, good):
        self.failed += not good
        return common.judged(good)

    def near(self, recorded, values):
        """Whether AUC and TPR at 1 % are within `NEAR` of the recorded ones."""
        if recorded is None:
            return "-"
        return self.of(all(abs(a - b) <= far for a, b, far in zip(recorded, (values[0], values[2]), NEAR)))


def print_references(ours, privet, verdict):
    print("References, Location-30 networks, mean of 8 targets: AUC/TPR@1% (TPR@0.1%)")
    rows = []
    for name, recorded in RECORDED.items():
        for budget, old in zip(BUDGETS, recorded):
            if name == "loss" and budget > 1:
                continue
            found = ours[budget][name]
            row = [name, "-" if name == "loss" else budget, common.pair(old) if old else "-", two(found), common.rate(found[3])]
            if privet:
                theirs = privet[budget][name]
                row += [two(theirs), common.rate(theirs[3]), f"{theirs[0] - found[0]:+.3f}"]
                row.append(verdict.near((found[0], found[2]) if name.endswith("per record") else old, theirs))
            rows.append(row)
    extra = ["privet", "privet @0.1%", "AUC - numpy", "within .02/.05"] if privet else []
    common.print_table(["attack", "K", "recorded", "numpy", "@0.1%", *extra], rows)


def print_top(privet, verdict):
    """Whether the moderated t is at or near the top of privet's attacks."""
    print("\nThe moderated t against the best of privet's attacks")
    rows = []
    for budget in BUDGETS:
        for k, measure, behind in ((0, "AUC", BEHIND[0]), (2, "TPR@1%", BEHIND[1])):
            best = max(privet[budget], key=lambda name: privet[budget][name][k])
            own, top = privet[budget]["online moderated t"][k], privet[budget][best][k]
            judged = verdict.of(top - own <= behind) if k == 0 or budget >= 4 else "not judged"
            rows.append([f"K = {budget}, {measure}", common.rate(own), f"{common.rate(top)} {best}", judged])
    common.print_table(["", "moderated t", "best", "at or near the top"], rows)


def print_surrogates(found, privet, verdict):
    print("\nSurrogates, mean of 6 targets: AUC/TPR@1%")
    rows = []
    for name, recorded in SURROGATES_RECORDED.items():
        row = [name, common.pair(recorded), two(found[name]) if name in found else "-"]
        if privet:
            theirs = privet.get(name)
            row += ["-", "-"] if theirs is None else [two(theirs), verdict.near(recorded, theirs)]
        rows.append(row)
    extra = ["privet", "within .02/.05"] if privet else []
    common.print_table(["score", "recorded", "numpy", *extra], rows)


def main():
    arguments = common.checked(common.arguments(__doc__))
    x, y = common.location30(arguments.data)
    networks = common.cached(arguments.work / "location30-networks.npz", lambda: train_networks(x, y))
    learned, right = networks["learned"], networks["right"]
    on, off = right[learned].mean(), right[~learned].mean()
    print(f"36 networks: accuracy on learned rows {on:.3f} (recorded 1.00), on others {off:.3f} (recorded 0.655)")
    verdict, references, surrogates = Verdict(), None, None
    if not arguments.reference_only:
        references, seconds = privet_references(networks, y, arguments.work, arguments.privet)
        surrogates, more = privet_surrogates(networks, x, y, arguments.work, arguments.privet)
        print(f"privet: {len(TARGETS) * len(BUDGETS)} runs with references in {seconds:.1f} s, 6 with surrogates in {more:.1f} s")
    print_references(reference_table(networks), references, verdict)
    if references:
        print_top(references, verdict)
    print_surrogates(surrogate_table(networks, x, y, arguments.work), surrogates, verdict)
    if verdict.failed:
        sys.exit(f"{verdict.failed} of the judged numbers fail")


if __name__ == "__main__":
    main()
