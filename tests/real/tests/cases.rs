//! Each case of `cases.json` as a test of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use madrigal_real::cases;

macro_rules! cases {
    ($($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                carry_out(stringify!($name)).await;
            }
        )*

        #[test]
        fn every_case_is_a_test() {
            let listed = [$(stringify!($name)),*];
            let written: Vec<String> = cases().iter().map(|case| case.name().to_owned()).collect();
            assert_eq!(written, listed);
        }
    };
}

cases! {
    query_streams_text
    thinking_is_kept
    two_turns
    permission_allow_bash
    permission_deny_bash
    permission_changed_input
    permission_allow_write
    allowed_tools_do_not_ask
    interrupt_mid_stream
    interrupt_during_tool
    resume
    continue_newest
    system_prompt_reaches_the_model
    not_logged_in
    bad_request
    overloaded_once
    overloaded_for_ever
    unknown_model
    sessions_side_by_side
    hook_allows
    hook_denies
    hook_changes_input
    hook_asks_the_host
    hook_failure_blocks
    hook_failure_goes_on
    hook_adds_context
    hook_blocks_a_prompt
    hook_blocks_the_stop
    tool_is_called
    tool_gives_an_error
    tool_checks_its_arguments
    tool_gives_structure
    tool_gives_an_image
    tools_run_side_by_side
    tool_is_searched
    tools_change
    question_to_the_user
    elicitation
    interrupt_receipt
    change_the_model
    change_the_permission_mode
    change_the_thinking
    thinking_of_the_options
    effort_reaches_the_model
    rewind_the_files
    structured_output
    structured_output_second_try
    structured_output_text_instead
    subagent
    subagent_aside
    background_task
    stop_a_task
    end_the_session
    facts_of_a_session
    fork
    sessions_on_disk
    fallback_model
    fallback_for_no_model
    fallback_chain
    fallback_chain_for_no_model
    agent_of_the_session
    switch_agents
    switch_agents_in_a_turn
    agent_in_a_file
    agents_of_the_library
    agents_of_the_library_in_files
    rate_limited
    hardened_workspace
    guarded_workspace
    no_sandbox_no_session
    session_store
}

async fn carry_out(name: &str) {
    let case = cases().into_iter().find(|case| case.name() == name).unwrap();
    if let Err(problem) = case.carry_out().await {
        panic!("{name}: {problem}");
    }
}
