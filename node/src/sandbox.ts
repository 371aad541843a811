// The sandbox of commands: the settings of the program with its own keys. What is not listed is handed on.

/** Which hosts and sockets commands may reach. */
export interface SandboxNetworkConfig {
  allowedDomains?: string[];
  deniedDomains?: string[];
  strictAllowlist?: boolean;
  allowManagedDomainsOnly?: boolean;
  allowUnixSockets?: string[];
  allowAllUnixSockets?: boolean;
  allowLocalBinding?: boolean;
  allowMachLookup?: string[];
  httpProxyPort?: number;
  socksProxyPort?: number;
  tlsTerminate?: { caCertPath?: string; caKeyPath?: string };
  [key: string]: unknown;
}

/** Which paths commands may read and write. */
export interface SandboxFilesystemConfig {
  allowWrite?: string[];
  denyWrite?: string[];
  denyRead?: string[];
  allowRead?: string[];
  allowManagedReadPathsOnly?: boolean;
  disabled?: boolean;
  [key: string]: unknown;
}

/** A secret that commands do not see, or see masked. */
export interface SandboxCredential {
  mode: "deny" | "mask";
  extract?: string;
  onExtractNoMatch?: "deny" | "error" | "warn";
  decode?: "jwt";
  maskClaims?: string[];
  injectHosts?: string[];
}

/** Secrets commands are kept from. */
export interface SandboxCredentialsConfig {
  files?: (SandboxCredential & { path: string; maskDuplicates?: boolean })[];
  envVars?: (SandboxCredential & { name: string })[];
  allowPlaintextInject?: boolean;
  awsPairs?: { accessKeyIdVar: string; secretAccessKeyVar: string; sessionTokenVar?: string }[];
  sigv4?: Partial<Record<"streaming" | "presigned" | "sigv4a", "deny" | "passthrough">>;
  [key: string]: unknown;
}

/** By command, the violations that are not reported. */
export type SandboxIgnoreViolations = Record<string, string[]>;

/** The sandbox of commands. */
export interface SandboxSettings {
  enabled?: boolean;
  /** Do not start where there is no sandbox. */
  failIfUnavailable?: boolean;
  autoAllowBashIfSandboxed?: boolean;
  allowUnsandboxedCommands?: boolean;
  excludedCommands?: string[];
  network?: SandboxNetworkConfig;
  filesystem?: SandboxFilesystemConfig;
  credentials?: SandboxCredentialsConfig;
  ignoreViolations?: SandboxIgnoreViolations;
  enableWeakerNestedSandbox?: boolean;
  allowNestedUserNamespaces?: boolean;
  enableWeakerNetworkIsolation?: boolean;
  allowAppleEvents?: boolean;
  ripgrep?: { command: string; args?: string[] };
  bwrapPath?: string;
  socatPath?: string;
  [key: string]: unknown;
}
