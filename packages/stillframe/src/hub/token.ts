import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "@stillframe/torch/errors";
import { type Environment, hubSettings } from "./settings.js";

/**
 * The person's access token: `HF_TOKEN`, else `HUGGING_FACE_HUB_TOKEN`, else the token file that `hf auth login` writes;
 * `undefined` when there is none. The value is for the `Authorization` header alone: it is never logged or stored.
 */
export function readToken(env: Environment = process.env): string | undefined {
  const fromEnvironment = env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN;
  if (fromEnvironment?.trim()) return checkToken(fromEnvironment, env.HF_TOKEN ? "HF_TOKEN" : "HUGGING_FACE_HUB_TOKEN");
  const { tokenFile } = hubSettings(env);
  let text: string;
  try {
    text = readFileSync(tokenFile, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return text.trim() ? checkToken(text, tokenFile) : undefined;
}

/** The token without surrounding white space. The error never shows the value, which is a secret even when mistyped. */
export function checkToken(token: string, source: string): string {
  const clean = token.trim();
  if (!/^hf_[\x21-\x7e]+$/.test(clean)) {
    throw new InvalidArgumentError(
      `expected an access token of the form hf_… for ${source} but received ${clean.length} characters of another form`,
    );
  }
  return clean;
}

/**
 * A text that is safe to show: tokens, `Bearer` credentials and the query of signed addresses are replaced.
 *
 * @param secrets further values to hide, such as the token in use
 */
export function redact(text: string, secrets: readonly (string | undefined)[] = []): string {
  let safe = text;
  for (const secret of secrets) if (secret && secret.length >= 4) safe = safe.replaceAll(secret, "[hidden]");
  return safe
    .replace(/hf_[A-Za-z0-9_-]{4,}/g, "hf_[hidden]")
    .replace(/(Bearer|Basic)\s+[^\s"',;]+/gi, "$1 [hidden]")
    .replace(/(https?:\/\/[^\s"'?#]+)\?[^\s"']*/g, "$1");
}
