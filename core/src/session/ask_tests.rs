//! Questions over a program in memory: who is asked, what an answer becomes, and what a failure of each kind leads to.

use std::{future::pending, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{
    Ask, AskKind, ElicitationAnswer, Host, Permission, Provided, Session, UserDialogAnswer,
    fake::{Program, fake},
};
use crate::{
    Error, ErrorKind, Options, Result,
    hook::{HookEvent, HookInput, HookOutput, HookRule},
    tools::{Tool, ToolServer},
    transport::BoxFuture,
};

/// Answers every question with the same function and hands out what it was asked.
struct Everything<F> {
    asked: mpsc::UnboundedSender<Ask>,
    answer: F,
}

impl<F> Host for Everything<F>
where
    F: Fn(AskKind, Value) -> BoxFuture<'static, Result<Value>> + Send + Sync,
{
    fn asks(&self) -> &[AskKind] {
        &[AskKind::CanUseTool, AskKind::Elicitation, AskKind::UserDialog]
    }

    fn answer(&self, ask: Ask) -> BoxFuture<'static, Result<Value>> {
        let answer = (self.answer)(ask.kind, serde_json::from_str(ask.request.get()).unwrap());
        let _ = self.asked.send(ask);
        answer
    }
}

struct Stage {
    session: Session,
    program: Program,
    asked: mpsc::UnboundedReceiver<Ask>,
    initialize: Value,
}

async fn stage(
    options: &str,
    answer: impl Fn(AskKind, Value) -> BoxFuture<'static, Result<Value>> + Send + Sync + 'static,
) -> Stage {
    let (transport, mut program) = fake();
    let (told, asked) = mpsc::unbounded_channel();
    let provided: Provided = serde_json::from_value(json!({
        "hooks": {"PreToolUse": [{"matcher": "Bash", "callbacks": ["h1"], "on_failure": "block"}]},
        "tool_servers": [{"name": "calc", "tools": [{
            "name": "add", "inputSchema": {"type": "object", "properties": {"a": {"type": "number"}}},
        }]}],
    }))
    .unwrap();
    let builder = Session::builder(Options::from_json(options).unwrap())
        .host(Arc::new(Everything { asked: told, answer }))
        .provide(provided)
        .transport(transport);
    let (session, initialize) = tokio::join!(builder.open(), program.acknowledge("initialize", json!({})));
    Stage { session: session.unwrap(), program, asked, initialize }
}

fn now(answer: Result<Value>) -> BoxFuture<'static, Result<Value>> {
    Box::pin(std::future::ready(answer))
}

fn refused() -> Error {
    Error::new(ErrorKind::Callback, "boom")
}

impl Program {
    async fn request(&mut self, id: &str, request: Value) {
        self.write(json!({"type": "control_request", "request_id": id, "request": request})).await;
    }

    async fn mcp(&mut self, id: &str, message: Value) {
        self.request(id, json!({"subtype": "mcp_message", "server_name": "calc", "message": message})).await;
    }

    async fn call(&mut self, id: &str, rpc: u64) {
        let params = json!({"name": "add", "arguments": {"a": 1}, "_meta": {"progressToken": rpc}});
        self.mcp(id, json!({"jsonrpc": "2.0", "id": rpc, "method": "tools/call", "params": params})).await;
    }

    /// The payload of the next answer, which must be to this request.
    async fn answer_to(&mut self, id: &str) -> Value {
        let frame = self.read().await.unwrap();
        assert_eq!(frame["response"]["request_id"], id, "{frame}");
        frame["response"].clone()
    }
}

fn hook(id: &str) -> Value {
    json!({"subtype": "hook_callback", "callback_id": id, "input": {"hook_event_name": "PreToolUse"}, "tool_use_id": "t"})
}

#[tokio::test(start_paused = true)]
async fn hooks_and_servers_are_announced_and_asked() {
    let mut stage = stage("{}", |kind, request| {
        assert_eq!((kind, &request["callback_id"]), (AskKind::HookCallback, &json!("h1")));
        now(Ok(json!({"async": true})))
    })
    .await;
    let request = &stage.initialize["request"];
    assert_eq!(
        request["hooks"]["PreToolUse"],
        json!([{"matcher": "Bash", "hookCallbackIds": ["h1"], "onFailure": "block"}])
    );
    assert_eq!(request["sdkMcpServers"], json!(["calc"]));
    stage.program.request("r1", hook("h1")).await;
    assert_eq!(stage.program.answer_to("r1").await["response"], json!({"async": true}));
}

#[tokio::test(start_paused = true)]
async fn other_servers_do_not_drop_those_of_this_process() {
    let mut stage = stage("{}", |_, _| now(Err(refused()))).await;
    let own = json!({"type": "sdk", "name": "calc"});
    let other = json!({"type": "http", "url": "http://127.0.0.1:1"});
    for (given, expected) in [
        (json!({}), json!({"calc": own})),
        (json!({"more": other}), json!({"more": other, "calc": own})),
        (json!({"calc": other}), json!({"calc": other})),
    ] {
        let setting =
            tokio::spawn(stage.session.set_mcp_servers(given.as_object().unwrap().clone()).into_future());
        let request = stage.program.acknowledge("mcp_set_servers", json!({})).await;
        assert_eq!(request["request"]["servers"], expected);
        setting.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_each_kind_has_its_outcome() {
    let mut stage = stage("{}", |_, _| now(Err(refused()))).await;
    let permission = json!({"subtype": "can_use_tool", "tool_name": "Bash", "input": {}});
    for (request, outcome, operation) in [
        (permission, json!({"behavior": "deny", "message": "boom"}), "can_use_tool"),
        (json!({"subtype": "elicitation", "message": "?"}), json!({"action": "cancel"}), "elicitation"),
        (
            json!({"subtype": "request_user_dialog", "dialog_kind": "x"}),
            json!({"behavior": "cancelled"}),
            "request_user_dialog",
        ),
    ] {
        stage.program.request("r1", request).await;
        assert_eq!(stage.program.answer_to("r1").await["response"], outcome);
        let error = stage.session.next().await.unwrap().unwrap_err();
        assert_eq!(
            (error.kind(), error.to_json()["operation"].as_str()),
            (ErrorKind::Callback, Some(operation))
        );
    }
    stage.program.request("r2", hook("h1")).await;
    let answer = stage.program.answer_to("r2").await;
    assert_eq!((&answer["subtype"], &answer["error"]), (&json!("error"), &json!("boom")));
    assert_eq!(stage.session.next().await.unwrap().unwrap_err().kind(), ErrorKind::Callback);
    // The model reads of a tool that failed; the stream does not hold it.
    stage.program.call("r3", 7).await;
    let answer = stage.program.answer_to("r3").await["response"]["mcp_response"].clone();
    assert_eq!(
        (&answer["id"], &answer["result"]["isError"], &answer["result"]["content"][0]["text"]),
        (&json!(7), &json!(true), &json!("boom"))
    );
    stage.program.write(json!({"type": "x"})).await;
    assert_eq!(stage.session.next().await.unwrap().unwrap().value()["type"], "x");
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_wrong_shape_is_a_failure_that_names_the_field() {
    let mut stage = stage("{}", |_, _| now(Ok(json!({"decision": "maybe", "content": "3"})))).await;
    stage.program.request("r1", hook("h1")).await;
    let answer = stage.program.answer_to("r1").await;
    assert!(answer["error"].as_str().unwrap().contains("decision"), "{answer}");
    let error = stage.session.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    stage.program.call("r2", 1).await;
    let answer = stage.program.answer_to("r2").await;
    let text = answer.pointer("/response/mcp_response/result/content/0/text").unwrap().as_str().unwrap();
    assert!(text.contains("content: expected a list"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_hangs_fails_in_time() {
    let mut stage = stage(r#"{"timeouts": {"callback_ms": 500}}"#, |_, _| Box::pin(pending())).await;
    stage.program.request("r1", hook("h1")).await;
    stage.program.call("r2", 3).await;
    let hook = stage.program.answer_to("r1").await;
    assert!(hook["error"].as_str().unwrap().contains("timeouts.callback_ms"), "{hook}");
    let tool = stage.program.answer_to("r2").await;
    assert_eq!(tool["response"]["mcp_response"]["result"]["isError"], true);
    let error = stage.session.next().await.unwrap().unwrap_err();
    assert_eq!((error.kind(), &error.context()["limit_ms"]), (ErrorKind::Timeout, &json!(500)));
}

/// Tells when it is dropped.
struct Dropped(mpsc::UnboundedSender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_question_drops_the_work_and_is_not_answered() {
    let (told, mut dropped) = mpsc::unbounded_channel();
    let mut stage = stage("{}", move |_, _| {
        let told = Dropped(told.clone());
        Box::pin(async move {
            let _told = told;
            pending().await
        })
    })
    .await;
    stage.program.request("r1", hook("h1")).await;
    stage.asked.recv().await.unwrap();
    stage.program.write(json!({"type": "control_cancel_request", "request_id": "r1"})).await;
    dropped.recv().await.unwrap();
    // A tool call is withdrawn by MCP, by the id of the call; that message is acknowledged.
    stage.program.call("r2", 9).await;
    stage.asked.recv().await.unwrap();
    stage
        .program
        .mcp("r3", json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 9}}))
        .await;
    dropped.recv().await.unwrap();
    assert_eq!(stage.program.answer_to("r3").await["response"]["mcp_response"]["result"], json!({}));
}

#[tokio::test(start_paused = true)]
async fn progress_reaches_the_program_while_the_call_is_open() {
    let (finish, finished) = tokio::sync::watch::channel(false);
    let mut stage = stage("{}", move |_, _| {
        let mut finished = finished.clone();
        Box::pin(async move {
            finished.wait_for(|finished| *finished).await.unwrap();
            Ok(json!({"content": []}))
        })
    })
    .await;
    stage.program.call("r1", 4).await;
    let ask = stage.asked.recv().await.unwrap();
    ask.progress.report(1.0, Some(2.0), Some("half"));
    let told = stage.program.read().await.unwrap();
    let message = &told["request"]["message"];
    assert_eq!(
        (&message["method"], &message["params"]),
        (
            &json!("notifications/progress"),
            &json!({"progressToken": 4, "progress": 1.0, "total": 2.0, "message": "half"})
        )
    );
    finish.send_replace(true);
    stage.program.answer_to("r1").await;
    // It is over: nobody is told any more, and the next frame is that of something else.
    ask.progress.report(2.0, Some(2.0), None);
    stage.session.handle().interrupt_soon();
    assert_eq!(stage.program.read().await.unwrap()["request"]["subtype"], "interrupt");
}

#[tokio::test(start_paused = true)]
async fn replaced_tools_are_announced_and_listed() {
    let mut stage = stage("{}", |_, _| now(Ok(json!({"content": []})))).await;
    let handle = stage.session.handle();
    let sub = serde_json::from_value(json!({"name": "sub"})).unwrap();
    let (told, request) = tokio::join!(
        handle.set_tool_specs("calc", vec![sub]),
        stage.program.acknowledge("mcp_message", Value::Null)
    );
    told.unwrap();
    assert_eq!(request["request"]["message"]["method"], "notifications/tools/list_changed");
    stage.program.mcp("r1", json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).await;
    let tools = stage.program.answer_to("r1").await["response"]["mcp_response"]["result"]["tools"].clone();
    assert_eq!((tools.as_array().unwrap().len(), &tools[0]["name"]), (1, &json!("sub")));
    let error = handle.set_tool_specs("ghost", vec![]).await.unwrap_err();
    assert_eq!((error.kind(), &error.context()["field"]), (ErrorKind::InvalidArgument, &json!("server")));
}

#[tokio::test(start_paused = true)]
async fn a_server_nobody_has_is_refused() {
    let mut stage = stage("{}", |_, _| now(Err(refused()))).await;
    let request =
        json!({"subtype": "mcp_message", "server_name": "ghost", "message": {"id": 1, "method": "ping"}});
    stage.program.request("r1", request).await;
    assert!(stage.program.answer_to("r1").await["error"].as_str().unwrap().contains("ghost"));
}

#[tokio::test(start_paused = true)]
async fn calls_run_beside_each_other() {
    let mut stage = stage("{}", |_, request| {
        let first = request["meta"]["progressToken"] == 1;
        Box::pin(async move {
            if first {
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            Ok(json!({"content": []}))
        })
    })
    .await;
    stage.program.call("r1", 1).await;
    stage.program.call("r2", 2).await;
    stage.program.answer_to("r2").await;
    stage.program.answer_to("r1").await;
}

#[tokio::test(start_paused = true)]
async fn closures_are_called_with_types_and_the_host_behind_them_with_the_rest() {
    let (transport, mut program) = fake();
    let (told, mut asked) = mpsc::unbounded_channel();
    let schema = json!({"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]});
    let double = Tool::new("double", "Doubles", schema, |call| async move {
        call.progress.report(1.0, None, None);
        let number = call.arguments["a"].as_f64().unwrap();
        if number < 0.0 {
            Err(Error::new(ErrorKind::Callback, "negative"))
        } else {
            Ok((2.0 * number).to_string().into())
        }
    });
    let server = ToolServer::new("calc", "1.0.0").tool(double);
    let builder = Session::builder(Options::default())
        .host(Arc::new(Everything { asked: told, answer: |_, _| now(Ok(json!({"behavior": "cancelled"}))) }))
        .hook(HookRule::on(HookEvent::PreToolUse).matching("Bash").timeout_ms(1500), |input| async move {
            let HookInput::PreToolUse(input) = input else { panic!("{input:?}") };
            Ok(HookOutput::deny(format!("no {}", input.tool_name)))
        })
        .tool_server(server.clone())
        .on_elicitation(|asked| async move {
            assert_eq!(asked.message, "Name?");
            Ok(ElicitationAnswer::Decline)
        })
        .transport(transport);
    let (session, initialize) = tokio::join!(builder.open(), program.acknowledge("initialize", json!({})));
    let session = session.unwrap();
    let hooks = &initialize["request"]["hooks"]["PreToolUse"][0];
    assert_eq!((&hooks["matcher"], &hooks["timeout"]), (&json!("Bash"), &json!(1.5)));
    let input = json!({"hook_event_name": "PreToolUse", "tool_name": "Bash"});
    let id = &hooks["hookCallbackIds"][0];
    program
        .request(
            "r1",
            json!({"subtype": "hook_callback", "callback_id": id, "input": input, "tool_use_id": "t"}),
        )
        .await;
    assert_eq!(
        program.answer_to("r1").await["response"]["hookSpecificOutput"],
        json!({"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": "no Bash"})
    );
    program.request("r2", json!({"subtype": "elicitation", "message": "Name?"})).await;
    assert_eq!(program.answer_to("r2").await["response"], json!({"action": "decline"}));
    let call = |id: u64, a: i64| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "double", "arguments": {"a": a}}});
    program.mcp("r3", call(1, 4)).await;
    assert_eq!(
        program.answer_to("r3").await["response"]["mcp_response"]["result"]["content"][0]["text"],
        "8"
    );
    program.mcp("r4", call(2, -1)).await;
    let failed = program.answer_to("r4").await["response"]["mcp_response"]["result"].clone();
    assert_eq!((&failed["isError"], &failed["content"][0]["text"]), (&json!(true), &json!("negative")));
    // No closure answers dialogs: the host behind them does.
    program.request("r5", json!({"subtype": "request_user_dialog", "dialog_kind": "x"})).await;
    assert_eq!(asked.recv().await.unwrap().kind, AskKind::UserDialog);
    program.answer_to("r5").await;
    // A new tool is called as soon as the program knows it.
    let half = Tool::new("half", "Halves", json!({"type": "object"}), |_| async { Ok("half".into()) });
    let handle = session.handle();
    let (set, _) =
        tokio::join!(server.set_tools(&handle, vec![half]), program.acknowledge("mcp_message", Value::Null));
    set.unwrap();
    let params = json!({"name": "half"});
    program.mcp("r6", json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": params})).await;
    assert_eq!(
        program.answer_to("r6").await["response"]["mcp_response"]["result"]["content"][0]["text"],
        "half"
    );
}

#[tokio::test]
async fn a_dialog_is_shown_by_a_closure_and_a_question_that_cannot_be_read_is_not() {
    let (transport, mut program) = fake();
    let builder = Session::builder(Options::default())
        .on_user_dialog(|dialog| async move {
            Ok(match dialog.payload["choices"].as_array() {
                Some(choices) => UserDialogAnswer::Completed(choices[0].clone()),
                None => UserDialogAnswer::Cancelled,
            })
        })
        .transport(transport);
    assert!(format!("{builder:?}").contains("SessionBuilder"));
    let (session, _) = tokio::join!(builder.open(), program.acknowledge("initialize", json!({})));
    let mut session = session.unwrap();
    let dialog =
        |payload: Value| json!({"subtype": "request_user_dialog", "dialog_kind": "pick", "payload": payload});
    program.request("r1", dialog(json!({"choices": ["a", "b"]}))).await;
    assert_eq!(program.answer_to("r1").await["response"], json!({"behavior": "completed", "result": "a"}));
    program.request("r2", dialog(json!({}))).await;
    assert_eq!(program.answer_to("r2").await["response"], json!({"behavior": "cancelled"}));
    // The program waits for an answer, whatever it asked.
    program.request("r3", json!({"subtype": "request_user_dialog", "dialog_kind": 7})).await;
    let answer = program.answer_to("r3").await;
    assert!(answer["error"].as_str().unwrap().contains("dialog_kind"), "{answer}");
    assert_eq!(session.next().await.unwrap().unwrap_err().kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn permission_questions_have_one_who_answers() {
    let options = Options { permission_prompt_tool_name: Some("mcp__a__b".to_owned()), ..Options::default() };
    let builder = Session::builder(options).can_use_tool(|_| async { Ok(Permission::allow()) });
    let error = builder.start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidOptions);
    assert_eq!(error.context()["field"], "permission_prompt_tool_name");
}
