//! What each cloud needs, and what is said where it is not there.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use super::{Environment, Provider};
use crate::{ErrorKind, store::PrivateDir};

/// The error for what is set, or the credentials and how many warnings.
fn checked(provider: Provider, set: &[(&str, &str)]) -> Result<(Option<String>, usize), String> {
    match provider.check(&Environment::of(set.iter().copied())) {
        Ok(check) => Ok((check.credentials, check.warnings.len())),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Auth);
            assert_eq!(error.context()["provider"], provider.name());
            Err(error.message().to_owned())
        }
    }
}

fn needs(provider: Provider, set: &[(&str, &str)], words: &str) {
    let error = checked(provider, set).unwrap_err();
    assert!(error.contains(words), "{error}");
}

#[test]
fn bedrock_needs_a_region_and_whole_keys() {
    let bedrock = |more: &[(&'static str, &'static str)]| {
        checked(Provider::Bedrock, &[&[("AWS_REGION", "us-east-1")], more].concat())
    };
    needs(Provider::Bedrock, &[], "AWS_REGION is not set: set it");
    needs(
        Provider::Bedrock,
        &[("AWS_DEFAULT_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "x")],
        "AWS_SECRET_ACCESS_KEY is not: set both",
    );
    needs(
        Provider::Bedrock,
        &[("AWS_REGION", "us-east-1"), ("AWS_SECRET_ACCESS_KEY", "x")],
        "AWS_ACCESS_KEY_ID is not: set both",
    );
    for name in [
        "CLAUDE_CODE_SKIP_BEDROCK_AUTH",
        "AWS_BEARER_TOKEN_BEDROCK",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ] {
        assert_eq!(bedrock(&[(name, "1")]), Ok((Some(name.to_owned()), 0)));
    }
    assert_eq!(bedrock(&[]), Ok((None, 1)));
}

#[test]
fn keys_of_bedrock_that_expired_are_told_before_a_run() {
    let at = |time| {
        let set = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "y"),
            ("AWS_CREDENTIAL_EXPIRATION", "2026-01-02T03:04:05Z"),
        ];
        Provider::Bedrock.check(&Environment::of(set).at(time))
    };
    let ends = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045);
    assert_eq!(at(ends - Duration::from_secs(1)).unwrap().expires_at, Some(ends));
    assert!(at(ends).unwrap_err().message().contains("aws sso login"));
}

#[test]
fn vertex_needs_a_region_a_project_and_a_file_that_is_there() {
    let folder = PrivateDir::new().unwrap();
    let home = folder.path().to_str().unwrap();
    let file = folder.path().join("key.json");
    let path = file.to_str().unwrap();
    let set = [("CLOUD_ML_REGION", "us-east5"), ("GOOGLE_CLOUD_PROJECT", "p"), ("HOME", home)];
    let vertex = |more: &[(&str, &str)]| checked(Provider::Vertex, &[&set[..], more].concat());
    needs(Provider::Vertex, &set[1..], "CLOUD_ML_REGION is not set");
    needs(Provider::Vertex, &set[..1], "ANTHROPIC_VERTEX_PROJECT_ID is not set");
    assert_eq!(
        vertex(&[("CLAUDE_CODE_SKIP_VERTEX_AUTH", "1")]),
        Ok((Some("CLAUDE_CODE_SKIP_VERTEX_AUTH".into()), 0))
    );
    let named = [("GOOGLE_APPLICATION_CREDENTIALS", path)];
    assert!(vertex(&named).unwrap_err().contains("gcloud auth application-default login"));
    fs::write(&file, "{}").unwrap();
    assert_eq!(vertex(&named), Ok((Some("GOOGLE_APPLICATION_CREDENTIALS".into()), 0)));
    assert_eq!(vertex(&[]), Ok((None, 1)));
    fs::create_dir_all(folder.path().join(".config/gcloud")).unwrap();
    fs::write(folder.path().join(".config/gcloud/application_default_credentials.json"), "{}").unwrap();
    assert_eq!(vertex(&[]), Ok((Some("application default credentials".into()), 0)));
}

#[test]
fn foundry_needs_a_resource_or_its_address() {
    needs(Provider::Foundry, &[], "ANTHROPIC_FOUNDRY_RESOURCE is not set");
    for place in ["ANTHROPIC_FOUNDRY_RESOURCE", "ANTHROPIC_FOUNDRY_BASE_URL"] {
        assert_eq!(checked(Provider::Foundry, &[(place, "x")]), Ok((None, 1)));
        let key = [(place, "x"), ("ANTHROPIC_FOUNDRY_API_KEY", "y")];
        assert_eq!(checked(Provider::Foundry, &key), Ok((Some("ANTHROPIC_FOUNDRY_API_KEY".into()), 0)));
    }
}
