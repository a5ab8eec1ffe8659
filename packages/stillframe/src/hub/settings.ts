import { homedir } from "node:os";
import { join } from "node:path";
import { invalid } from "@stillframe/torch/errors";

/** Where the Hub is and where this machine keeps its files, by the environment variables that Hugging Face documents. */
export interface HubSettings {
  /** `HF_ENDPOINT` without a closing slash, else `https://huggingface.co`. */
  readonly endpoint: string;
  /** `HF_HUB_CACHE`, else `$HF_HOME/hub`, else `~/.cache/huggingface/hub`. */
  readonly cacheDir: string;
  /** `HF_TOKEN_PATH`, else `$HF_HOME/token`. */
  readonly tokenFile: string;
  /** `HF_HUB_OFFLINE`: no request is made, everything comes from the cache. */
  readonly offline: boolean;
}

/** The environment variables that are read; `process.env` in use, a plain object in tests. */
export type Environment = Readonly<Record<string, string | undefined>>;

const TRUE_VALUES = new Set(["1", "ON", "YES", "TRUE"]);

/** Reads the settings; a variable that is empty counts as unset. */
export function hubSettings(env: Environment = process.env): HubSettings {
  const home = env.HOME || env.USERPROFILE || homedir();
  const expand = (path: string) => (path === "~" || path.startsWith("~/") ? join(home, path.slice(1)) : path);
  const hfHome = expand(env.HF_HOME || join(env.XDG_CACHE_HOME || join(home, ".cache"), "huggingface"));
  return {
    endpoint: checkEndpoint(env.HF_ENDPOINT || "https://huggingface.co"),
    cacheDir: expand(env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(hfHome, "hub")),
    tokenFile: expand(env.HF_TOKEN_PATH || join(hfHome, "token")),
    offline: TRUE_VALUES.has((env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE || "").toUpperCase()),
  };
}

/** The address of a Hub without its closing slash; a password inside an address would end up in logs, so it is refused. */
export function checkEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash) {
    throw invalid("HF_ENDPOINT", "an address that begins with http:// or https://", endpoint);
  }
  if (url.username || url.password) {
    throw invalid("HF_ENDPOINT", "an address without a user name and password", `${url.protocol}//…@${url.host}`);
  }
  return endpoint.replace(/\/+$/, "");
}
