//! The steps, one by one.

use std::{future::Future, pin::Pin, time::Duration};

use serde_json::Value;

use super::{CHUNK, End, Played, Player, Stage, Stop, Wait};
use crate::testing::{matches, scenario::Step, template::Template};

impl<S: Stage> Player<S> {
    pub(super) fn steps<'a>(
        &'a mut self,
        steps: &'a [Step],
    ) -> Pin<Box<dyn Future<Output = Played> + Send + 'a>> {
        Box::pin(async move {
            let mut at = 0;
            while let Some(step) = steps.get(at) {
                at = match self.step(step).await {
                    Ok(()) => at + 1,
                    Err(Stop::Aborted) => behind_the_turn(steps, at),
                    Err(stop) => return Err(stop),
                };
            }
            Ok(())
        })
    }

    async fn step(&mut self, step: &Step) -> Played {
        self.listen().await?;
        match step {
            Step::Await { pattern, save } => self.await_frame(pattern, save.as_deref()).await?,
            Step::AwaitEof => {
                while !self.input_over {
                    self.wait(Wait::Forever).await?;
                }
            }
            Step::Emit(frame) => {
                let start = self.out.len();
                self.bound(frame)?.write(&mut self.out, 0);
                let frame = serde_json::from_slice(&self.out[start..]).unwrap_or_default();
                self.noted(&frame);
            }
            Step::Init(fields) => self.init(fields)?,
            Step::Text(text) => self.text(text)?,
            Step::Result(fields) => self.result(fields)?,
            Step::Bytes(bytes) => self.out.extend_from_slice(bytes),
            Step::Split { frame, at } => self.split(frame, at).await?,
            Step::Flood { count, frame } => self.flood(*count, frame).await?,
            Step::Big { bytes } => self.big(*bytes),
            Step::Stderr(text) => {
                self.flush().await;
                self.stage.stderr(text);
            }
            Step::Replay(recording) => self.replay(recording).await?,
            Step::Spawn { new_session, ignore } => {
                self.child = Some(self.stage.spawn(*new_session, ignore).map_err(|e| self.refuse(&e))?);
            }
            Step::Ignore(signals) => signals.iter().for_each(|signal| self.stage.ignore(*signal)),
            Step::Hang => {
                self.flush().await;
                self.stage.hang().await;
            }
            Step::Pause(ms) => self.pause(Duration::from_millis(*ms)).await?,
            Step::Loop(steps) => loop {
                match self.steps(steps).await {
                    Ok(()) if !self.input_over || !self.inbox.is_empty() => {}
                    Ok(()) | Err(Stop::InputOver) => break,
                    Err(stop) => return Err(stop),
                }
            },
            Step::ExpectArgs { contains, lacks } => self.expect_args(contains, lacks)?,
            Step::ExpectFile { path, contains } => self.expect_file(path, contains)?,
            Step::Exit(code) => return Err(Stop::End(End::Code(*code))),
            Step::KillSelf(signal) => return Err(Stop::End(End::Signal(*signal))),
        }
        if self.out.len() >= CHUNK {
            self.flush().await;
        }
        Ok(())
    }

    pub(super) async fn await_frame(&mut self, pattern: &Value, save: Option<&str>) -> Played {
        let wanted = self.resolve(pattern);
        let frame = loop {
            if let Some(at) = self.inbox.iter().position(|frame| matches(&wanted, frame)) {
                break self.inbox.remove(at).unwrap_or_default();
            }
            if self.input_over {
                return Err(Stop::InputOver);
            }
            self.wait(Wait::Forever).await?;
        };
        if let Some(at) = self.reserved.iter().position(|(held, again)| held == pattern && !again) {
            self.reserved.remove(at);
        }
        self.taken(&frame, self.lifecycle);
        if let Some(name) = save {
            self.saved.insert(name.to_owned(), frame);
        }
        Ok(())
    }

    async fn pause(&mut self, time: Duration) -> Played {
        let until = self.stage.elapsed() + time;
        loop {
            let left = until.saturating_sub(self.stage.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            self.wait(Wait::For(left)).await?;
        }
    }

    async fn split(&mut self, frame: &Template, at: &[usize]) -> Played {
        self.flush().await;
        let mut line = Vec::new();
        self.bound(frame)?.write(&mut line, 0);
        let mut start = 0;
        for end in at.iter().copied().chain([line.len()]) {
            let end = end.clamp(start, line.len());
            self.stage.write(&line[start..end]).await;
            start = end;
        }
        Ok(())
    }

    async fn flood(&mut self, count: u64, frame: &Template) -> Played {
        let bound = self.bound(frame)?;
        if let Some(line) = bound.constant() {
            let mut block = Vec::with_capacity(CHUNK + line.len() + 1);
            let per_block = (CHUNK / (line.len() + 1)).max(1) as u64;
            for _ in 0..per_block.min(count) {
                bound.write(&mut block, 0);
            }
            self.flush().await;
            for _ in 0..count / per_block {
                self.stage.write(&block).await;
                self.listen().await?;
            }
            let rest = usize::try_from(count % per_block).unwrap_or_default() * (line.len() + 1);
            self.out.extend_from_slice(&block[..rest]);
            return Ok(());
        }
        for index in 0..count {
            bound.write(&mut self.out, index);
            if self.out.len() >= CHUNK {
                self.flush().await;
                self.listen().await?;
            }
        }
        Ok(())
    }

    fn expect_args(&mut self, contains: &[Vec<String>], lacks: &[String]) -> Played {
        // `--flag=value` and `--flag value` say the same, so a scenario need not know which the host prefers.
        let args: Vec<&str> = self.stage.args().iter().flat_map(|arg| flag_and_value(arg)).collect();
        let missing = contains
            .iter()
            .find(|run| !run.is_empty() && !args.windows(run.len()).any(|window| window == *run));
        let present = lacks.iter().find(|text| args.iter().any(|arg| arg.contains(text.as_str())));
        match (missing, present) {
            (None, None) => Ok(()),
            (Some(run), _) => {
                Err(self.refuse(&format!("the arguments lack {run:?}: {:?}", self.stage.args())))
            }
            (_, Some(text)) => {
                Err(self.refuse(&format!("the arguments hold {text:?}: {:?}", self.stage.args())))
            }
        }
    }

    fn expect_file(&mut self, path: &str, contains: &str) -> Played {
        let mut path = path.to_owned();
        if path.starts_with('$') {
            let (reference, rest) = path.split_once('/').unwrap_or((&path, ""));
            let reference = serde_json::value::to_raw_value(reference).unwrap_or_default();
            let mut folder = Vec::new();
            self.bound(&Template::new(&reference, false))?.write(&mut folder, 0);
            let folder: String = serde_json::from_slice(&folder).unwrap_or_default();
            path = format!("{folder}/{rest}");
        }
        match std::fs::read_to_string(&path) {
            Ok(text) if text.contains(contains) => Ok(()),
            Ok(text) => Err(self.refuse(&format!("{path} lacks {contains:?}: {text}"))),
            Err(error) => Err(self.refuse(&format!("{path}: {error}"))),
        }
    }
}

/// The step that follows an interrupted turn: the one behind its result, or the next prompt.
fn behind_the_turn(steps: &[Step], at: usize) -> usize {
    let ends = |step: &Step| match step {
        Step::Result(_) => true,
        Step::Emit(frame) => frame.starts_like_a_result(),
        _ => false,
    };
    let prompts = |step: &Step| matches!(step, Step::Await { pattern, .. } if pattern["type"] == "user");
    let rest = &steps[at..];
    rest.iter()
        .position(ends)
        .map(|found| at + found + 1)
        .or_else(|| rest.iter().skip(1).position(prompts).map(|found| at + 1 + found))
        .unwrap_or(steps.len())
}

fn flag_and_value(arg: &str) -> impl Iterator<Item = &str> {
    let (flag, value) = match arg.split_once('=') {
        Some((flag, value)) if flag.starts_with("--") => (flag, Some(value)),
        _ => (arg, None),
    };
    std::iter::once(flag).chain(value)
}
