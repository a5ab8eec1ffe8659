import { marked } from "marked";
import { splitReadme } from "../front-matter.js";

/** What a browser shows of a card: Markdown as GitHub and the Hub read it, with a plain style. */
export function cardPage(card: string): string {
  const { yaml, body } = splitReadme(card);
  const html = marked.parse(body, { gfm: true, async: false });
  return `<!doctype html>
<meta charset="utf-8">
<style>
  body { max-width: 860px; margin: 24px auto; font: 16px/1.5 "DejaVu Sans", sans-serif; color: #1f2328; }
  h1, h2 { border-bottom: 1px solid #d1d9e0; padding-bottom: .3em; }
  table { border-collapse: collapse; display: block; overflow: auto; margin: 1em 0; font-size: 14px; }
  th, td { border: 1px solid #d1d9e0; padding: 6px 12px; }
  tr:nth-child(2n) { background: #f6f8fa; }
  code { background: #eff1f3; padding: .15em .35em; border-radius: 5px; font: 13px "DejaVu Sans Mono", monospace; }
  pre { background: #f6f8fa; padding: 14px; border-radius: 6px; overflow: auto; }
  pre code { background: none; padding: 0; }
  img { max-width: 100%; }
</style>
<details><summary>front matter</summary><pre>${(yaml ?? "").replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</pre></details>
${html}
`;
}
