//! A budget for a host. What was reserved and is never heard of again stays charged: nobody knows what it cost.

use std::sync::{Arc, Mutex, PoisonError};

use madrigal::{
    Result,
    resilience::{Budget, Cost, CostBudget, Reservation, Spender},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{invalid, refused};
use crate::signals::Signals;

/// What a host may ask. Amounts are US dollars.
#[derive(Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Question {
    Reserve {
        #[serde(default)]
        spender: Spender,
        cap_usd: f64,
        #[serde(default)]
        margin_usd: f64,
    },
    Observe {
        reservation: u64,
        so_far_usd: f64,
    },
    Settle {
        reservation: u64,
        cost_usd: f64,
    },
    Uncertain {
        reservation: u64,
        #[serde(default)]
        observed_usd: f64,
    },
    LimitFlow {
        flow: String,
        limit_usd: Option<f64>,
    },
    LimitRun {
        run: String,
        limit_usd: Option<f64>,
    },
    ForgetFlow {
        flow: String,
    },
    ForgetRun {
        run: String,
    },
    State {
        #[serde(default)]
        spender: Spender,
    },
}

pub(crate) struct Purse {
    budget: CostBudget,
    open: Mutex<std::collections::HashMap<u64, Reservation>>,
}

impl Purse {
    pub(super) fn new(budget: Budget, signals: &Arc<Signals>) -> Result<Self> {
        let budget = CostBudget::new(budget)?;
        let signals = signals.clone();
        budget.observe(move |mark| signals.push(json!({"event": "budget", "mark": mark}).to_string()));
        Ok(Self { budget, open: Mutex::default() })
    }

    pub(super) fn decide(&self, question: Question) -> Result<Value> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match question {
            Question::Reserve { spender, cap_usd, margin_usd } => {
                let (cap, margin) = (amount("cap_usd", cap_usd)?, amount("margin_usd", margin_usd)?);
                let held = self
                    .budget
                    .reserve(&spender, cap, margin)
                    .map_err(|refusal| refused(refusal, "reserve"))?;
                let id = held.id();
                open.insert(id, held);
                return Ok(json!({"reservation": id}));
            }
            Question::Observe { reservation, so_far_usd } => {
                let so_far = amount("so_far_usd", so_far_usd)?;
                if let Some(held) = open.get(&reservation) {
                    held.observe(so_far).map_err(|refusal| refused(refusal, "observe"))?;
                }
            }
            Question::Settle { reservation, cost_usd } => {
                let cost = amount("cost_usd", cost_usd)?;
                match open.remove(&reservation) {
                    Some(held) => held.settle(cost),
                    // One that was uncertain.
                    None => self.budget.reconcile(reservation, cost),
                }
            }
            Question::Uncertain { reservation, observed_usd } => {
                let observed = amount("observed_usd", observed_usd)?;
                if let Some(held) = open.remove(&reservation) {
                    held.uncertain(observed);
                }
            }
            Question::LimitFlow { flow, limit_usd } => {
                self.budget.limit_flow(&flow, limit(limit_usd)?);
            }
            Question::LimitRun { run, limit_usd } => self.budget.limit_run(&run, limit(limit_usd)?),
            Question::ForgetFlow { flow } => self.budget.forget_flow(&flow),
            Question::ForgetRun { run } => self.budget.forget_run(&run),
            Question::State { spender } => return Ok(json!(self.budget.state(&spender))),
        }
        Ok(Value::Null)
    }
}

fn limit(usd: Option<f64>) -> Result<Option<Cost>> {
    usd.map(|usd| amount("limit_usd", usd)).transpose()
}

fn amount(field: &str, usd: f64) -> Result<Cost> {
    if usd.is_finite() && usd >= 0.0 {
        Ok(Cost::from_usd(usd))
    } else {
        Err(invalid(field, "expected US dollars, 0 or more"))
    }
}
