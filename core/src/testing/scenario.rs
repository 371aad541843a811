//! The `cli` half of a scenario, read once and checked: a mistake in a file is named with its place, never played.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, value::RawValue};

use super::{recording::Recording, setup::SetupStep, template::Template};
use crate::{Error, ErrorKind, Result};

type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// What a stand-in for the `claude` program does, step by step.
///
/// ```
/// use madrigal::testing::Scenario;
/// let scenario = Scenario::from_json(r#"{"name": "hi", "cli": [{"await": {"type": "user"}}, {"result": {}}]}"#).unwrap();
/// assert_eq!(scenario.name(), "hi");
/// let error = Scenario::from_json(r#"{"cli": [{"emitt": {}}]}"#).unwrap_err();
/// assert!(error.message().contains("cli[0]"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) session_id: Option<String>,
    pub(crate) lifecycle: bool,
    pub(crate) initialize: Initialize,
    /// The program shakes hands with the tool servers of the host by itself.
    pub(crate) handshake: bool,
    /// Answers to control requests by subtype, in place of those of the real program.
    pub(crate) control: Map<String, Value>,
    pub(crate) steps: Vec<Step>,
    /// What a process does that is started with `--resume`, when that is something else.
    pub(crate) resumed: Option<Vec<Step>>,
    /// Steps for processes that are started with `--model NAME`, in place of those; of several lists the first process plays the
    /// first, and so on, and all later ones the last.
    pub(crate) plays: BTreeMap<String, Vec<Vec<Step>>>,
    /// What a process does that is started as `setup-token`.
    pub(crate) setup: Option<Vec<SetupStep>>,
}

/// The version a stand-in reports when nothing else is said: the one whose behaviour was recorded.
const VERSION: &str = "2.1.330";

/// How `initialize` is answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Initialize {
    /// At once, with what the real program says.
    #[default]
    Auto,
    /// At once, with this.
    Payload(Value),
    /// By the steps.
    Manual,
}

/// One step of the `cli` half.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Await { pattern: Value, save: Option<String> },
    AwaitEof,
    Emit(Template),
    Init(Map<String, Value>),
    Text(Text),
    Result(Map<String, Value>),
    Bytes(Vec<u8>),
    Split { frame: Template, at: Vec<usize> },
    Flood { count: u64, frame: Template },
    Big { bytes: usize },
    Stderr(String),
    Replay(Recording),
    Spawn { new_session: bool, ignore: Vec<Sig> },
    Ignore(Vec<Sig>),
    Hang,
    Pause(u64),
    Loop(Vec<Step>),
    ExpectArgs { contains: Vec<Vec<String>>, lacks: Vec<String> },
    ExpectFile { path: String, contains: String },
    Exit(i32),
    KillSelf(i32),
}

/// The `text` step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) deltas: usize,
    /// The message is not completed: no `assistant` frame follows.
    pub(crate) open: bool,
    pub(crate) fields: Map<String, Value>,
}

/// A signal a step can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sig {
    Int,
    Term,
}

impl Sig {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Sig::Int => "SIGINT",
            Sig::Term => "SIGTERM",
        }
    }
}

impl Scenario {
    /// One without steps.
    pub(crate) fn new() -> Self {
        Self { version: VERSION.to_owned(), lifecycle: true, ..Self::default() }
    }

    /// Reads a scenario from a file, or a recording from one that ends in `.jsonl`. Fails with `invalid_argument`, naming the step.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, format!("the scenario {} cannot be read", path.display()))
                .operation("simulate")
                .caused_by(&error)
        })?;
        let folder = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            return Self::of_recording(&text, path);
        }
        Self::read(&text, &folder)
    }

    /// The scenario that plays a recording: a cassette of the [recorder](super::recorder).
    fn of_recording(text: &str, path: &Path) -> Result<Self> {
        let recording = Recording::parse(text).map_err(|problem| {
            let message = format!("the recording {} cannot be played: {problem}", path.display());
            Error::new(ErrorKind::InvalidArgument, message).operation("simulate")
        })?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, steps: vec![Step::Replay(recording)], ..Self::new() })
    }

    /// Reads a scenario from JSON text; recordings are looked for in the working directory and above.
    pub fn from_json(text: &str) -> Result<Self> {
        Self::read(text, &std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")))
    }

    /// The name it gives itself.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn read(text: &str, base: &Path) -> Result<Self> {
        Self::parse(text, base).map_err(|problem| {
            Error::new(ErrorKind::InvalidArgument, format!("the scenario cannot be played: {problem}"))
                .operation("simulate")
        })
    }

    fn parse(text: &str, base: &Path) -> std::result::Result<Self, String> {
        let fields: Fields<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let optional = |name: &str| fields.get(name).map(|raw| value(raw));
        let string = |name: &str| match optional(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("{name}: a string was expected")),
        };
        let steps = match fields.get("cli") {
            None => Vec::new(),
            Some(raw) => steps_of(raw, "cli", base)?,
        };
        Ok(Self {
            name: string("name")?.unwrap_or_default(),
            version: string("version")?.unwrap_or_else(|| VERSION.to_owned()),
            session_id: string("session_id")?,
            lifecycle: optional("lifecycle") != Some(Value::Bool(false)),
            initialize: match optional("initialize") {
                None => Initialize::Auto,
                Some(Value::String(word)) if word == "manual" => Initialize::Manual,
                Some(payload @ Value::Object(_)) => Initialize::Payload(payload),
                Some(_) => return Err("initialize: \"manual\" or an object was expected".to_owned()),
            },
            handshake: match optional("handshake") {
                None => false,
                Some(Value::Bool(wanted)) => wanted,
                Some(_) => return Err("handshake: true or false was expected".to_owned()),
            },
            control: match optional("control") {
                None => Map::new(),
                Some(Value::Object(answers)) if answers.values().all(Value::is_object) => answers,
                Some(_) => return Err("control: an object of answers by subtype was expected".to_owned()),
            },
            steps,
            resumed: fields.get("resumed").map(|raw| steps_of(raw, "resumed", base)).transpose()?,
            plays: match fields.get("plays") {
                None => BTreeMap::new(),
                Some(raw) => plays(raw, base)?,
            },
            setup: optional("setup_token").map(|given| super::setup::steps(&given)).transpose()?,
        })
    }

    /// What a process does that goes on with a session, or one that begins.
    pub(crate) fn of_process(mut self, resumes: bool) -> Self {
        if let Some(steps) = self.resumed.take().filter(|_| resumes) {
            self.steps = steps;
        }
        self
    }
}

/// One list of steps for each model, or several.
fn plays(raw: &RawValue, base: &Path) -> std::result::Result<BTreeMap<String, Vec<Vec<Step>>>, String> {
    let models: Fields<'_> = serde_json::from_str(raw.get())
        .map_err(|_| "plays: an object of steps by model was expected".to_owned())?;
    let play = |model: String, raw: &RawValue| {
        let place = format!("plays.{model}");
        let several = value(raw).get(0).is_some_and(Value::is_array);
        let lists: Vec<&RawValue> =
            if several { serde_json::from_str(raw.get()).unwrap_or_default() } else { vec![raw] };
        let lists: std::result::Result<Vec<_>, String> = lists
            .into_iter()
            .enumerate()
            .map(|(number, raw)| {
                steps_of(raw, &if several { format!("{place}[{number}]") } else { place.clone() }, base)
            })
            .collect();
        Ok::<_, String>((model, lists?))
    };
    models.into_iter().map(|(model, raw)| play(model, raw)).collect()
}

fn value(raw: &RawValue) -> Value {
    // A raw value was read as JSON before.
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn steps_of(raw: &RawValue, place: &str, base: &Path) -> std::result::Result<Vec<Step>, String> {
    let list: Vec<&RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| format!("{place}: a list of steps was expected"))?;
    list.into_iter()
        .enumerate()
        .map(|(number, raw)| {
            let place = format!("{place}[{number}]");
            step(raw, &place, base).map_err(|problem| {
                if problem.starts_with(&place) { problem } else { format!("{place}: {problem}") }
            })
        })
        .collect()
}

/// The verbs, each with the keys that may stand beside it.
const VERBS: [(&str, &[&str]); 21] = [
    ("await", &["save"]),
    ("await_eof", &[]),
    ("emit", &[]),
    ("init", &[]),
    ("text", &[]),
    ("result", &[]),
    ("emit_raw", &[]),
    ("emit_hex", &[]),
    ("emit_split", &["at"]),
    ("flood", &[]),
    ("big", &[]),
    ("stderr", &[]),
    ("replay", &[]),
    ("spawn", &[]),
    ("ignore", &[]),
    ("hang", &[]),
    ("pause_ms", &[]),
    ("loop", &[]),
    ("expect_args", &[]),
    ("expect_file", &[]),
    ("exit", &[]),
];

fn step(raw: &RawValue, place: &str, base: &Path) -> std::result::Result<Step, String> {
    let fields: Fields<'_> = serde_json::from_str(raw.get()).map_err(|_| "an object was expected")?;
    let (verb, beside) = VERBS
        .iter()
        .chain(&[("kill_self", &[] as &[&str])])
        .find(|(verb, _)| fields.contains_key(*verb))
        .ok_or_else(|| format!("no known step among {:?}", fields.keys().collect::<Vec<_>>()))?;
    if let Some(stray) = fields.keys().find(|key| key != verb && !beside.contains(&key.as_str())) {
        return Err(format!("{stray:?} does not belong to the step {verb:?}"));
    }
    let raw = fields[*verb];
    let given = value(raw);
    let wrong = |expected: &str| format!("{verb}: {expected} was expected");
    let object = || given.as_object().cloned().ok_or_else(|| wrong("an object"));
    let text = || given.as_str().map(str::to_owned).ok_or_else(|| wrong("a string"));
    let number = |value: &Value| value.as_u64().ok_or_else(|| wrong("a number that is not negative"));
    let code = || given.as_i64().and_then(|n| i32::try_from(n).ok()).ok_or_else(|| wrong("a number"));
    Ok(match *verb {
        "await" => {
            Step::Await { pattern: given.clone(), save: fields.get("save").map(|raw| name(raw)).transpose()? }
        }
        "await_eof" => Step::AwaitEof,
        "emit" => Step::Emit(Template::new(raw, false)),
        "init" => Step::Init(object()?),
        "text" => Step::Text(text_step(object()?, wrong)?),
        "result" => Step::Result(object()?),
        "emit_raw" => Step::Bytes(text()?.into_bytes()),
        "emit_hex" => Step::Bytes(hex(&text()?).ok_or_else(|| wrong("pairs of hexadecimal digits"))?),
        "emit_split" => {
            let at: Vec<usize> = match fields.get("at").map(|raw| serde_json::from_str(raw.get())) {
                Some(Ok(at)) => at,
                _ => return Err("emit_split: at: a list of byte offsets was expected".to_owned()),
            };
            Step::Split { frame: Template::new(raw, false), at }
        }
        "flood" => {
            let inner: Fields<'_> = serde_json::from_str(raw.get()).map_err(|_| wrong("an object"))?;
            let frame = inner.get("frame").ok_or_else(|| wrong("a frame"))?;
            Step::Flood { count: number(&given["count"])?, frame: Template::new(frame, true) }
        }
        "big" => Step::Big { bytes: usize::try_from(number(&given["bytes"])?).map_err(|e| e.to_string())? },
        "stderr" => Step::Stderr(text()?),
        "replay" => Step::Replay(Recording::load(&text()?, base)?),
        "spawn" => Step::Spawn {
            new_session: object()?.get("new_session") == Some(&Value::Bool(true)),
            ignore: match given.get("ignore") {
                None => Vec::new(),
                Some(list) => signals(list).ok_or_else(|| wrong("ignore with SIGTERM or SIGINT"))?,
            },
        },
        "ignore" => Step::Ignore(signals(&given).ok_or_else(|| wrong("a list of SIGTERM or SIGINT"))?),
        "hang" => Step::Hang,
        "pause_ms" => Step::Pause(number(&given)?),
        "loop" => Step::Loop(steps_of(raw, &format!("{place}.loop"), base)?),
        "expect_args" => Step::ExpectArgs {
            contains: runs(given.get("contains")).ok_or_else(|| wrong("contains with strings"))?,
            lacks: runs(given.get("lacks")).ok_or_else(|| wrong("lacks with strings"))?.concat(),
        },
        "expect_file" => Step::ExpectFile {
            path: given["path"].as_str().ok_or_else(|| wrong("path with a string"))?.to_owned(),
            contains: given["contains"].as_str().unwrap_or_default().to_owned(),
        },
        "exit" => Step::Exit(code()?),
        _ => Step::KillSelf(code()?),
    })
}

fn text_step(
    mut fields: Map<String, Value>,
    wrong: impl Fn(&str) -> String,
) -> std::result::Result<Text, String> {
    let text = match fields.remove("text") {
        Some(Value::String(text)) => text,
        _ => return Err(wrong("a text")),
    };
    let deltas = match fields.remove("deltas") {
        None => 0,
        Some(number) => number
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(|| wrong("deltas as a number"))?,
    };
    let open = fields.remove("open") == Some(Value::Bool(true));
    Ok(Text { text, deltas, open, fields })
}

fn name(raw: &RawValue) -> std::result::Result<String, String> {
    match value(raw) {
        Value::String(name) if super::template::is_reference(&name) && !name.contains('.') => Ok(name),
        _ => Err("save: a name of small letters, digits, - and _ was expected".to_owned()),
    }
}

fn signals(list: &Value) -> Option<Vec<Sig>> {
    list.as_array()?
        .iter()
        .map(|name| [Sig::Int, Sig::Term].into_iter().find(|sig| name.as_str() == Some(sig.name())))
        .collect()
}

/// A list of strings, one run; or a list of such lists, several.
fn runs(list: Option<&Value>) -> Option<Vec<Vec<String>>> {
    let Some(list) = list else { return Some(Vec::new()) };
    serde_json::from_value::<Vec<String>>(list.clone())
        .map(|run| vec![run])
        .or_else(|_| serde_json::from_value(list.clone()))
        .ok()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).map(|d| d as u8))
        .collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(cli: &str) -> String {
        Scenario::from_json(&format!("{{\"cli\": {cli}}}")).unwrap_err().message().to_owned()
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        assert!(problem(r#"[{"hang": true}, {"loop": [{"emitt": {}}]}]"#).contains("cli[1].loop[0]"));
        assert!(problem(r#"[{"exit": 1, "save": "x"}]"#).contains("\"save\" does not belong"));
        assert!(problem(r#"[{"ignore": ["SIGHUP"]}]"#).contains("SIGTERM"));
        assert!(problem(r#"[{"emit_hex": "f"}]"#).contains("hexadecimal"));
        assert!(problem(r#"[{"await": {}, "save": "a.b"}]"#).contains("save"));
        assert!(problem(r#"[{"replay": "frames/nowhere.jsonl"}]"#).contains("nowhere"));
        assert!(problem(r#"[{"emit_split": {"type": "x"}}]"#).contains("offsets"));
        assert!(problem(r#"[{"text": {"deltas": 2}}]"#).contains("a text"));
        assert!(problem(r#"[{"flood": {"count": 2}}]"#).contains("a frame"));
        assert!(problem(r#"[{"pause_ms": -1}]"#).contains("not negative"));
        assert!(problem("7").contains("a list of steps"));
        assert!(problem("[7]").contains("an object"));
    }

    #[test]
    fn mistakes_beside_the_steps_are_named_too() {
        for (text, word) in [
            (r#"{"initialize": 7}"#, "manual"),
            (r#"{"version": 7}"#, "version"),
            (r#"{"handshake": 7}"#, "handshake"),
            (r#"{"control": {"set_model": "haiku"}}"#, "control"),
            (r#"{"setup_token": [{"shwo": ""}]}"#, "setup_token[0]"),
            ("[]", "map"),
            ("{", "EOF"),
        ] {
            let error = Scenario::from_json(text).unwrap_err();
            assert!(error.message().contains(word), "{error}");
        }
        let error = Scenario::from_file("/no/such/file.json").unwrap_err();
        assert!(error.message().contains("/no/such/file.json"), "{error}");
    }

    #[test]
    fn hex_is_bytes() {
        assert_eq!(hex("ff 0a"), Some(vec![0xff, 0x0a]));
        assert_eq!(hex("zz"), None);
    }
}
