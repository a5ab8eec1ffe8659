import { invalid } from "@stillframe/torch/errors";

/**
 * A shell pattern over repository paths as a regular expression for the whole path.
 *
 * `*` and `?` stay inside one folder, `**` crosses folders (`**\/` may also stand for none), `[a-c]` and `[!a]` are sets,
 * `{png,jpg}` are alternatives; all else is literal. A pattern that ends in `/` means everything below that folder.
 *
 * @example globToRegExp("data/train-*").test("data/train-00000-of-00002.parquet"); // true
 */
export function globToRegExp(pattern: string): RegExp {
  if (pattern === "") throw invalid("pattern", "a path or pattern", pattern);
  const glob = pattern.endsWith("/") ? `${pattern}**` : pattern;
  let source = "";
  let depth = 0;
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i]!;
    if (char === "*") {
      if (glob[i + 1] !== "*") source += "[^/]*";
      else if (glob[i + 2] === "/" && (i === 0 || glob[i - 1] === "/")) {
        source += "(?:.*/)?";
        i += 2;
      } else {
        source += ".*";
        i += 1;
      }
    } else if (char === "?") source += "[^/]";
    else if (char === "[") {
      const end = glob.indexOf("]", i + 2);
      if (end < 0) throw invalid("pattern", "a closing ] for every [", pattern);
      const set = glob.slice(i + 1, end).replace(/\\/g, "\\\\");
      source += set.startsWith("!") ? `[^/${set.slice(1)}]` : `[${set}]`;
      i = end;
    } else if (char === "{") {
      depth++;
      source += "(?:";
    } else if (char === "}" && depth > 0) {
      depth--;
      source += ")";
    } else if (char === "," && depth > 0) source += "|";
    else source += char.replace(/[.+^$()|\\{}\]]/, "\\$&");
  }
  if (depth > 0) throw invalid("pattern", "a closing } for every {", pattern);
  return new RegExp(`^${source}$`);
}

/** The paths that match at least one pattern, in their own order. */
export function matchPaths(paths: readonly string[], patterns: readonly string[]): string[] {
  const expressions = patterns.map(globToRegExp);
  return paths.filter((path) => expressions.some((expression) => expression.test(path)));
}
