//! Which step answers a request.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

use super::{
    conversation::Conversation,
    script::{Script, Step, Times, When},
};

/// The errors already given. A failed request leaves no trace in the conversation, so these are counted here, for each
/// session and place in it, or for each place of a rule that is shared.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<HashMap<u64, u64>>);

/// Finds the step for a request; without one, says why.
pub(super) fn choose<'a>(
    script: &'a Script,
    conversation: &Conversation,
    session: &str,
    failures: &Failures,
) -> Result<&'a Step, String> {
    let rule = script.rules.iter().enumerate();
    // Prompts sent while the model was busy arrive joined in one message: the newest that has a rule counts.
    let found = conversation
        .candidates
        .iter()
        .rev()
        .find_map(|prompt| rule.clone().find(|(_, rule)| holds(&rule.when, prompt, conversation)))
        .or_else(|| {
            rule.clone()
                .find(|(_, rule)| conversation.candidates.is_empty() && holds(&rule.when, "", conversation))
        });
    let (place, steps, repeat, rounds, shared) = match found {
        Some((index, rule)) => {
            (format!("rules[{index}].reply"), &rule.reply, rule.repeat, conversation.rounds, rule.shared)
        }
        None if script.turns.is_empty() => {
            return Err(format!("no rule of the script holds for the prompt {:?}", conversation.prompt()));
        }
        None => ("turns".to_owned(), &script.turns, script.repeat, conversation.all_rounds, false),
    };
    let mut hasher = DefaultHasher::new();
    (&place, rounds).hash(&mut hasher);
    if !shared {
        // The number of prompts so far tells apart the same prompt sent twice in one session.
        (session, conversation.prompt(), conversation.prompts.len()).hash(&mut hasher);
    }
    let mut given = failures.0.lock().unwrap_or_else(PoisonError::into_inner);
    let given = given.entry(hasher.finish()).or_default();
    let step = step_at(steps, repeat, rounds, *given).ok_or_else(|| {
        format!(
            "{place} has no step left for message {} of the model to {:?}",
            rounds + 1,
            conversation.prompt()
        )
    })?;
    *given += u64::from(step.error.is_some());
    Ok(step)
}

/// The step behind `rounds` messages, where each of the errors that stand there takes its share of those `given`.
fn step_at(steps: &[Step], repeat: bool, rounds: usize, mut given: u64) -> Option<&Step> {
    let messages = steps.iter().filter(|step| step.error.is_none()).count();
    let mut rounds = if repeat && messages > 0 { rounds % messages } else { rounds };
    for step in steps {
        if rounds > 0 {
            // Errors before a message that was given are over.
            rounds -= usize::from(step.error.is_none());
            continue;
        }
        match step.times.unwrap_or(Times::Count(1)) {
            Times::Count(times) if step.error.is_some() && given >= times => given -= times,
            _ => return Some(step),
        }
    }
    None
}

fn holds(when: &When, prompt: &str, conversation: &Conversation) -> bool {
    when.prompt_contains.as_ref().is_none_or(|part| prompt.contains(part))
        && when.prompt_is.as_ref().is_none_or(|whole| prompt.trim() == whole.trim())
        && when.model.as_ref().is_none_or(|model| conversation.model == *model)
        && when.system_contains.as_ref().is_none_or(|part| conversation.system.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(json: &str) -> Script {
        Script::from_json(json).unwrap()
    }

    fn asked(prompts: &[&str], rounds: usize, all_rounds: usize) -> Conversation {
        let prompts: Vec<String> = prompts.iter().map(|&prompt| prompt.to_owned()).collect();
        let candidates = prompts.last().cloned().into_iter().collect();
        Conversation {
            candidates,
            prompts,
            rounds,
            all_rounds,
            model: "claude-a".into(),
            ..Conversation::default()
        }
    }

    fn said(script: &Script, conversation: &Conversation, failures: &Failures) -> String {
        match choose(script, conversation, "s", failures) {
            Ok(step) => step.text.clone().or(step.error.map(|status| status.to_string())).unwrap_or_default(),
            Err(problem) => problem,
        }
    }

    #[test]
    fn rules_go_by_content_and_rounds() {
        let script = script(
            r#"{"rules": [
                {"when": {"prompt_contains": "a"}, "reply": [{"text": "1"}, {"text": "2"}]},
                {"when": {"prompt_is": "b", "model": "claude-b"}, "reply": [{"text": "wrong model"}]},
                {"when": {"prompt_is": "b"}, "reply": [{"text": "3"}], "repeat": true}]}"#,
        );
        let failures = Failures::default();
        assert_eq!(said(&script, &asked(&["cat"], 0, 5), &failures), "1");
        assert_eq!(said(&script, &asked(&["cat"], 1, 6), &failures), "2");
        assert!(said(&script, &asked(&["cat"], 2, 7), &failures).contains("no step left"));
        assert_eq!(said(&script, &asked(&[" b "], 9, 9), &failures), "3");
        assert!(said(&script, &asked(&["x"], 0, 0), &failures).contains("no rule"));
    }

    #[test]
    fn turns_count_from_the_beginning_and_repeat() {
        let script = script(r#"{"turns": [{"text": "1"}, {"text": "2"}], "repeat": true}"#);
        let failures = Failures::default();
        let answers: Vec<_> = (0..4).map(|all| said(&script, &asked(&["x"], 0, all), &failures)).collect();
        assert_eq!(answers, ["1", "2", "1", "2"]);
    }

    #[test]
    fn an_error_comes_as_often_as_it_says_in_each_session() {
        let script = script(
            r#"{"turns": [{"error": 529, "times": 2}, {"text": "ok"}, {"error": 500}, {"text": "more"}]}"#,
        );
        let failures = Failures::default();
        let first = asked(&["x"], 0, 0);
        let answers: Vec<_> = (0..4).map(|_| said(&script, &first, &failures)).collect();
        assert_eq!(answers, ["529", "529", "ok", "ok"]);
        let second = asked(&["x"], 1, 1);
        assert_eq!([said(&script, &second, &failures), said(&script, &second, &failures)], ["500", "more"]);
        assert_eq!(choose(&script, &first, "another session", &failures).unwrap().error, Some(529));
    }

    #[test]
    fn errors_of_a_shared_rule_are_counted_for_all_sessions_and_prompts() {
        let script = script(
            r#"{"rules": [{"when": {"prompt_contains": "x"}, "shared": true, "reply": [{"error": 529, "times": 2}, {"text": "ok"}]}]}"#,
        );
        let failures = Failures::default();
        let errors: Vec<_> = ["one x", "two x", "three x", "one x"]
            .iter()
            .map(|prompt| choose(&script, &asked(&[prompt], 0, 0), prompt, &failures).unwrap().error)
            .collect();
        assert_eq!(errors, [Some(529), Some(529), None, None]);
    }

    #[test]
    fn always_is_for_ever() {
        let script = script(r#"{"turns": [{"error": 400, "times": "always"}]}"#);
        let failures = Failures::default();
        assert!((0..50).all(|_| said(&script, &asked(&["x"], 0, 0), &failures) == "400"));
    }

    #[test]
    fn joined_prompts_are_answered_by_the_newest_that_has_a_rule() {
        let script = script(
            r#"{"rules": [{"when": {"prompt_contains": "old"}, "reply": [{"text": "old"}]},
            {"when": {"prompt_contains": "new"}, "reply": [{"text": "new"}]}]}"#,
        );
        let mut conversation = asked(&["old", "new"], 0, 0);
        conversation.candidates = vec!["old".into(), "new".into()];
        assert_eq!(said(&script, &conversation, &Failures::default()), "new");
        conversation.candidates = vec!["old".into(), "other".into()];
        assert_eq!(said(&script, &conversation, &Failures::default()), "old");
    }
}
