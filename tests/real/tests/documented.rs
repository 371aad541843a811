//! The scripts for the model in `docs/testing.md`, on the real `claude`: what the page says comes out does come out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{fs, path::Path};

use madrigal::{
    Session,
    options::OutputFormat,
    testing::loopback::Script,
    tools::{Tool, ToolResult, ToolServer},
};
use madrigal_real::Place;
use serde_json::{Value, json};

/// A script of the page, the prompt below it and the result the page names.
struct Example {
    script: String,
    prompt: String,
    result: String,
}

fn examples() -> Vec<Example> {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/testing.md")).unwrap();
    let blocks = page.split("```json\n").skip(1);
    let examples = blocks.filter_map(|block| {
        let (script, below) = block.split_once("```\n")?;
        let mut words = below.trim_start().strip_prefix("Prompt: `")?.split('`');
        let (prompt, result) = (words.next()?.to_owned(), words.nth(1)?.to_owned());
        Some(Example { script: script.to_owned(), prompt, result })
    });
    examples.collect()
}

/// What the page says the examples run with.
async fn result(example: &Example) -> Value {
    let place = Place::with(Script::from_json(&example.script).unwrap());
    let mut options = place.options();
    options.env.remove("ENABLE_TOOL_SEARCH");
    options.allowed_tools = ["Bash", "mcp__calc"].map(str::to_owned).to_vec();
    let looker = json!({"description": "Looks for files", "prompt": "You look for files."});
    options.agents.insert("looker".to_owned(), looker.as_object().cloned().unwrap());
    if example.script.contains("StructuredOutput") {
        let schema =
            json!({"type": "object", "properties": {"birds": {"type": "integer"}}, "required": ["birds"]});
        options.output_format =
            Some(OutputFormat::JsonSchema { schema: schema.as_object().cloned().unwrap() });
    }
    let numbers = json!({"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}});
    let add = Tool::new("add", "Adds two numbers", numbers, |call| async move {
        let sum = call.arguments["a"].as_f64().unwrap_or(0.0) + call.arguments["b"].as_f64().unwrap_or(0.0);
        Ok(ToolResult::text(sum.to_string()))
    });
    let builder = Session::builder(options).tool_server(ToolServer::new("calc", "1.0.0").tool(add));
    let mut session = builder.open().await.unwrap();
    let mut turn = session.send(example.prompt.as_str()).await.unwrap();
    let mut result = Value::Null;
    while let Some(message) = turn.next().await {
        let message: Value = serde_json::from_str(&message.unwrap().to_string()).unwrap();
        if message["type"] == "result" {
            result = message["result"].clone();
        }
    }
    drop(turn);
    session.close().await;
    result
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_script_of_the_page_does_what_the_page_says() {
    let examples = examples();
    assert_eq!(examples.len(), 7, "an example has a prompt and a result below it");
    for example in examples {
        let result = result(&example).await;
        assert!(
            result.as_str().unwrap_or_default().contains(&example.result),
            "{}: {result}",
            example.prompt
        );
    }
}
