//! The agents of the demo: what they are asked, and how the simulated `claude` answers.

use super::story::Story;

/// One agent.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) name: &'static str,
    pub(super) model: &'static str,
    pub(super) prompt: &'static str,
    /// What happens at each attempt; the last also happens at later ones.
    attempts: Vec<Story>,
}

impl Agent {
    /// The scenario for an attempt, counted from 1.
    pub(super) fn scenario(&self, attempt: usize) -> String {
        let story = self.attempts.get(attempt - 1).or(self.attempts.last());
        story.map(Story::scenario).unwrap_or_default()
    }
}

/// All of them.
pub(super) fn agents() -> Vec<Agent> {
    let agent = |name, model, prompt, attempts| Agent { name, model, prompt, attempts };
    vec![
        agent("explain", "claude-sonnet", "What does this project do?", vec![
            Story::new()
                .thinks(250)
                .says("It reads orders from a queue, checks each against the stock, and books what can be delivered. \
                       Whatever cannot be delivered goes to a second queue that people look at.")
                .costs(1_840, 46, 0.0062),
        ]),
        agent("test", "claude-sonnet", "Do the tests pass?", vec![
            Story::new()
                .thinks(350)
                .uses("Bash", "cargo test --quiet", "42 passed, 0 failed")
                .thinks(300)
                .says("Yes, all 42 pass.")
                .costs(3_210, 88, 0.0110),
        ]),
        agent("clean", "claude-haiku", "Free some disk space.", vec![
            Story::new()
                .thinks(600)
                .refused("Bash", "rm -rf target")
                .thinks(300)
                .says("I was not allowed to delete anything, so the build folder is still there.")
                .costs(1_520, 61, 0.0018),
        ]),
        agent("review", "claude-opus", "Review the last change.", vec![
            Story::new()
                .thinks(400)
                .waits_for_the_api(700)
                .says("One thing: the new retry counts the first attempt twice, so it gives up one too early. \
                       The rest is sound, and the tests cover it.")
                .costs(5_930, 71, 0.0412),
        ]),
        agent("notes", "claude-haiku", "Write the release notes.", vec![
            Story::new().thinks(800).fails(529, "API Error: 529 Overloaded").costs(0, 0, 0.0),
            Story::new()
                .thinks(300)
                .says("Orders are booked in batches, which is faster. An order that fails no longer holds up the others.")
                .costs(2_270, 39, 0.0025),
        ]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use madrigal::testing::Scenario;

    #[test]
    fn every_story_is_a_scenario() {
        for agent in agents() {
            for attempt in 1..=3 {
                let scenario = Scenario::from_json(&agent.scenario(attempt));
                assert!(scenario.is_ok(), "{} {attempt}: {scenario:?}", agent.name);
            }
        }
    }
}
