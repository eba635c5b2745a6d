"""Write survival.json: Breslow's baseline, Cox's slope and residuals from published implementations.

usage: python tests/golden/survival.py   (scikit-survival 0.28.0, lifelines 0.30.3, pandas 2.3.3)

The records are the synthetic ones of datasets/shapes; x1 stands for a risk score. Tied times go to scikit-survival with
Breslow's ties; lifelines knows Efron's only, so it gets the same times moved apart.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

HERE = Path(__file__).resolve().parent
frame = pd.read_csv(HERE.parents[1] / "datasets/shapes/tables/survival.csv").head(120)
risk, days, died = frame["x1"].to_numpy(), frame["days"].to_numpy(float), frame["died"].to_numpy(bool)

tied = CoxPHSurvivalAnalysis(ties="breslow", tol=1e-12, n_iter=200).fit(risk[:, None], Surv.from_arrays(died, days))
hazard = tied.cum_baseline_hazard_
apart = days + np.arange(len(days)) * 1e-4
data = pd.DataFrame({"risk": risk, "time": apart, "died": died.astype(int)})
fit = CoxPHFitter().fit(data, "time", "died", fit_options={"precision": 1e-12})
residuals = {k: fit.compute_residuals(data, k).loc[data.index, k].tolist() for k in ("martingale", "deviance")}
golden = {
    "risks": risk.tolist(),
    "times": days.tolist(),
    "events": died.tolist(),
    "tied": {"slope": float(tied.coef_[0]), "at": hazard.x.tolist(), "cumulative": hazard.y.tolist()},
    "apart": {"times": apart.tolist(), "slope": float(fit.params_["risk"]), **residuals},
}
(HERE / "survival.json").write_text(json.dumps(golden, indent=1) + "\n")
