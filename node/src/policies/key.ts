// Whom limits are kept for.

/**
 * Two runs share a limit when a server would count them together: same provider, same credential, same model. Parts that are left out are
 * empty, and `{}` is the one key of a program that needs no more.
 */
export interface Key {
  /** On whose behalf the work is done. */
  tenant?: string;
  /** Who answers: a name for the endpoint. */
  provider?: string;
  /** Which credential: a fingerprint or a name, never the credential itself. */
  credential?: string;
  /** The model, or the class of models that share a limit. */
  model?: string;
}
