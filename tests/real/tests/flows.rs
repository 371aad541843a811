//! Each case of `flows.json` as a test of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use madrigal_real::flows;

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
            let written: Vec<String> = flows().iter().map(|case| case.name().to_owned()).collect();
            assert_eq!(written, listed);
        }
    };
}

cases! {
    told_to_come_back
    told_to_come_back_by_one_owner
    storm
    lost_key
    lost_key_by_default
    outage
    spent
    forty_over_four_places
    pipeline
    pipeline_stops
    race
}

async fn carry_out(name: &str) {
    let case = flows().into_iter().find(|case| case.name() == name).unwrap();
    if let Err(problem) = case.carry_out().await {
        panic!("{name}: {problem}");
    }
}
