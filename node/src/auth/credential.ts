// What is told of a credential, in the names of this package. The secret itself is in none of it.

/** For whom a credential is. */
export type AuthProvider = "anthropic" | "bedrock" | "vertex" | "foundry";

/** What a credential is: a key, a bearer token, the token of a set-up, the login of the program itself, or that of a cloud. */
export type AuthMethod = "api_key" | "auth_token" | "oauth_token" | "cli_login" | "cloud";

/** What may be told of a credential. */
export interface Credential {
  /** For whom it is. */
  provider: AuthProvider;
  /** What it is. */
  method: AuthMethod;
  /** Where it came from: `ANTHROPIC_API_KEY`, a file, `login of claude`. */
  source: string;
  /** What limits and budgets call it; the same in every process, and it does not give the credential away. */
  fingerprint: string;
  /** How it begins, so that its owner can tell it from others; `null` when only the program has it. */
  hint: string | null;
  /** When it ends; `null` when that is not known. */
  expiresAt: Date | null;
}

/** What became of a place where a credential could be. */
export type AuthVerdict = "used" | "absent" | "expired" | "invalid" | "refused" | "shadowed";

/** What is known about a manager's credential. */
export interface AuthStatus {
  /** What the manager is called; `null` when it has no name. */
  name: string | null;
  /** Whether there is a credential. */
  authenticated: boolean;
  /** For whom it is, or would be. */
  provider: AuthProvider;
  /** What it is; `null` when there is none. */
  method: AuthMethod | null;
  /** Where it came from; `null` when there is none. */
  source: string | null;
  /** What limits and budgets call it; `null` when there is none. */
  fingerprint: string | null;
  /** Whether there is a token or key, as opposed to a login that only the program can use. */
  tokenPresent: boolean;
  /** When it ends; `null` when that is not known. */
  expiresAt: Date | null;
  /** Hours until then, to one decimal; below 0 when it is over. */
  timeUntilExpiryHours: number | null;
  /** The store where a token is, or would be, kept: `keyring`, `file ~/.claude_sdk/token.json`. */
  store: string;
  /** Every place that was looked at, in order, with what became of it and why. */
  considered: { source: string; verdict: AuthVerdict; reason: string }[];
  /** What may be wrong all the same. */
  warnings: string[];
}

/** A credential as it crosses. */
export interface WireCredential extends Omit<Credential, "expiresAt"> {
  expires_at: string | null;
}

/** A status as it crosses. */
export interface WireStatus
  extends Omit<AuthStatus, "tokenPresent" | "expiresAt" | "timeUntilExpiryHours" | "name"> {
  name?: string | null;
  token_present: boolean;
  expires_at: string | null;
  time_until_expiry_hours: number | null;
}

/** A credential in the names of this package. */
export function credentialFrom({ expires_at: end, ...facts }: WireCredential): Credential {
  return { ...facts, expiresAt: time(end) };
}

/** A status in the names of this package. */
export function statusFrom(wire: WireStatus): AuthStatus {
  const { name = null, token_present: tokenPresent, expires_at: end, ...rest } = wire;
  const { time_until_expiry_hours: timeUntilExpiryHours, considered, warnings, ...facts } = rest;
  return {
    name,
    ...facts,
    tokenPresent,
    expiresAt: time(end),
    timeUntilExpiryHours,
    considered,
    warnings,
  };
}

const time = (text: string | null) => (text === null ? null : new Date(text));
