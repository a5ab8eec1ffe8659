// Writes the typed operator wrappers from ops.txt and the schemas of the libtorch at hand.
// `node generate-ops.mjs [folder]`; the folder is src/ unless given.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGE = dirname(dirname(fileURLToPath(import.meta.url)));
const OUT = process.argv[2] ?? join(PACKAGE, "src");
const native = createRequire(import.meta.url)(join(PACKAGE, "build/torch.node"));

/** In the order of `Kind` in native/engine.h: TypeScript's type, and how an argument becomes the addon's. */
const KINDS = [
  { name: "Tensor", type: "Tensor", pass: (x, o) => (o ? `${x}?.handle` : `${x}.handle`) },
  { name: "Scalar", type: "number" },
  { name: "Int", type: "number" },
  { name: "Float", type: "number" },
  { name: "Bool", type: "boolean" },
  { name: "String", type: "string" },
  { name: "Dtype", type: "DType", pass: (x) => `${x} == null ? undefined : dtypeCode(${x})` },
  { name: "Layout", skip: true },
  { name: "Device", type: "Device" },
  { name: "MemoryFormat", type: "MemoryFormat" },
  { name: "Generator", type: "Generator", pass: (x) => `${x}?.native` },
  { name: "Tensors", type: "readonly Tensor[]", pass: (x) => `handlesOf(${x})` },
  { name: "OptionalTensors", type: "readonly (Tensor | null)[]", pass: (x) => `optionalHandlesOf(${x})` },
  { name: "Ints", type: "number | readonly number[]" },
  { name: "Floats", type: "readonly number[]" },
  { name: "Bools", type: "readonly boolean[]" },
  { name: "Scalars", type: "readonly number[]" },
  { name: "Strings", type: "readonly string[]" },
];
const RETURNS = {
  Tensor: "Tensor",
  Tensors: "Tensor[]",
  Scalar: "number",
  Int: "number",
  Float: "number",
  Bool: "boolean",
  Ints: "number[]",
};
const RESERVED = new Set(["this", "function", "in", "with", "default", "return", "delete", "new", "var"]);
const SKIPPED_KEYWORDS = new Set(["layout", "pin_memory", "out"]);

const camel = (s) => {
  const name = s.replace(/_+([a-zA-Z0-9])/g, (_, c) => c.toUpperCase());
  return RESERVED.has(name) ? `${name}_` : name;
};

function readAllowList() {
  const entries = [];
  for (const [i, line] of readFileSync(join(PACKAGE, "ops.txt"), "utf8").split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const m = /^(method|function) (\w+)(\.\.\.)?: ([\w.]+)(?: \| ([\w.]+))?$/.exec(line);
    if (!m)
      throw new Error(`ops.txt line ${i + 1}: expected "<method|function> <name>: <operator>" but found "${line}"`);
    entries.push({ kind: m[1], name: m[2], rest: Boolean(m[3]), overloads: [m[4], m[5]].filter(Boolean), line: i + 1 });
  }
  return entries;
}

function overloadOf(entry, text) {
  const [name, overload = ""] = text.split(/\.(.*)/s);
  const schema = native.schema(`aten::${name}`, overload);
  if (!schema) throw new Error(`ops.txt line ${entry.line}: libtorch ${native.version()} has no aten::${text}`);
  const args = schema.args.map((a) => ({ ...a, key: camel(a.name), ts: KINDS[a.kind] }));
  for (const a of args)
    if (!a.ts || (!a.ts.type && !a.ts.skip))
      throw new Error(`ops.txt line ${entry.line}: ${a.name} of ${text} has an unsupported type`);
  const returns = schema.returns.map((k) => KINDS[k].name);
  for (const r of returns) if (!RETURNS[r]) throw new Error(`ops.txt line ${entry.line}: ${text} returns ${r}`);
  const bound = `op_${name}${overload ? `_${overload}` : ""}`.replace(/\W/g, "_");
  const inPlace = schema.args[0]?.writes && schema.returns.length === 1;
  return { name, overload, bound, text: schema.text, args, returns, inPlace, writes: args.some((a) => a.writes) };
}

const positional = (o, method) => o.args.filter((a, i) => !a.keywordOnly && !(method && i === 0));
const keywords = (o) => o.args.filter((a) => a.keywordOnly && !SKIPPED_KEYWORDS.has(a.name));
const typeOf = (a) => a.ts.type + (a.optional ? " | null" : "");

/** The call of one overload; `self` is what stands for a method's first argument. */
function callOf(o, method) {
  const parts = o.args.map((a, i) => {
    if (method && i === 0) return "this.handle";
    if (a.keywordOnly && SKIPPED_KEYWORDS.has(a.name)) return "undefined";
    const x = a.keywordOnly ? `options?.${a.key}` : a.key;
    return a.ts.pass ? a.ts.pass(x, a.optional) : x;
  });
  while (parts.at(-1) === "undefined") parts.pop();
  return `${o.bound}(${parts.join(", ")})`;
}

function resultOf(o, call, method) {
  if (o.inPlace) return method ? `${call};\n  return this;` : `${call};\n  return self;`;
  if (o.returns.length === 0) return `${call};`;
  if (o.returns.length > 1)
    return `const r: Handle[] = ${call};\n  return [${o.returns.map((_, i) => `new Tensor(r[${i}] as Handle)`).join(", ")}];`;
  if (o.returns[0] === "Tensor") return `return new Tensor(${call});`;
  if (o.returns[0] === "Tensors") return `return wrapAll(${call});`;
  return `return ${call};`;
}

function returnType(o, method) {
  if (o.inPlace) return method ? "this" : "Tensor";
  if (o.returns.length === 0) return "void";
  return o.returns.length > 1 ? `[${o.returns.map((r) => RETURNS[r]).join(", ")}]` : RETURNS[o.returns[0]];
}

function parametersOf(overloads, method) {
  const main = overloads.at(-1).args.length >= overloads[0].args.length ? overloads.at(-1) : overloads[0];
  const params = positional(main, method).map((a) => {
    const twin = overloads.map((o) => positional(o, method).find((b) => b.name === a.name));
    const types = [...new Set(twin.filter(Boolean).map(typeOf))];
    const missing = twin.some((t) => !t);
    return { key: a.key, type: types.join(" | "), free: a.hasDefault || missing };
  });
  let lastRequired = -1;
  params.forEach((p, i) => {
    if (!p.free) lastRequired = i;
  });
  const text = params.map((p, i) =>
    p.free && i > lastRequired
      ? `${p.key}?: ${p.type}`
      : p.free
        ? `${p.key}: ${p.type} | undefined`
        : `${p.key}: ${p.type}`,
  );
  const options = [...new Map(overloads.flatMap(keywords).map((k) => [k.key, k])).values()];
  if (options.length)
    text.push(`options?: { ${options.map((k) => `${k.key}?: ${typeOf(k)} | undefined`).join("; ")} }`);
  return text;
}

/** The condition under which the first overload is meant. */
function chooser(entry, [a, b], method) {
  const pa = positional(a, method);
  const pb = positional(b, method);
  for (const x of pa) {
    const y = pb.find((p) => p.name === x.name);
    if (y && x.ts.name === "Tensor" && y.ts.name === "Scalar") return `typeof ${x.key} !== "number"`;
  }
  const extra = pb.find((y) => !pa.some((x) => x.name === y.name));
  if (!extra) throw new Error(`ops.txt line ${entry.line}: cannot tell the overloads of ${entry.name} apart`);
  return `${extra.key} === undefined`;
}

/** A parameter that is `Tensor | number` has to be seen as the one or the other in each branch. */
function branch(o, call, method) {
  return resultOf(o, call, method).replaceAll("\n  ", " ");
}

function emit(entry) {
  const method = entry.kind === "method";
  const overloads = entry.overloads.map((t) => overloadOf(entry, t));
  // `alpha` is keyword-only in one overload of `add` and not in the other: keyword-only it is
  const keyword = new Set(overloads.flatMap(keywords).map((k) => k.name));
  for (const a of overloads.flatMap((o) => o.args)) a.keywordOnly ||= keyword.has(a.name);
  const last = overloads.at(-1);
  const docs = overloads.map((o) => o.text).join("` or `");
  if (entry.rest) {
    const [list] = positional(last, method);
    const tail = positional(last, method).slice(1);
    if (tail.some((a) => !a.hasDefault))
      throw new Error(`ops.txt line ${entry.line}: ${entry.name} has more than one argument`);
    return {
      entry,
      overloads,
      docs,
      params: [`...${list.key}: number[]`],
      type: returnType(last, method),
      body: `return new Tensor(${last.bound}(this.handle, ${list.key}));`,
    };
  }
  const params = parametersOf(overloads, method);
  const type = returnType(last, method);
  const calls = overloads.map((o) => callOf(o, method));
  const body =
    overloads.length === 1
      ? resultOf(last, calls[0], method)
      : `if (${chooser(entry, overloads, method)}) { ${branch(overloads[0], calls[0], method)} }\n  ${branch(last, calls[1], method)}`;
  return { entry, overloads, docs, params, type, body };
}

function bindings(emitted) {
  const all = new Map(emitted.flatMap((e) => e.overloads).map((o) => [o.bound, o]));
  return [...all.values()]
    .map((o) => `const ${o.bound} = bind("${o.name}"${o.overload ? `, "${o.overload}"` : ""});`)
    .join("\n");
}

const HEADER = `// Generated from ops.txt by \`npm run gen\`. Do not edit.
`;
function importsFor(body, extra) {
  const used = (w) => new RegExp(`\\b${w}\\b`).test(body);
  const tensor = ["handlesOf", "optionalHandlesOf", "Tensor", "wrapAll"].filter((w) => extra.includes(w) || used(w));
  const types = ["Device"].filter(used).map((w) => `type ${w}`);
  const nativeNames = ["bind", ...(used("Handle") ? ["type Handle"] : [])];
  const dtype = [...(used("DType") ? ["type DType"] : []), ...(used("dtypeCode") ? ["dtypeCode"] : [])];
  return [
    dtype.length ? `import { ${dtype.join(", ")} } from "./dtype.js";` : "",
    used("Generator") ? `import type { Generator } from "./generator.js";` : "",
    used("MemoryFormat") ? `import type { MemoryFormat } from "./factory.js";` : "",
    `import { ${nativeNames.join(", ")} } from "./native.js";`,
    `import { ${[...types, ...tensor].join(", ")} } from "./tensor.js";`,
  ]
    .filter(Boolean)
    .join("\n");
}

const emitted = readAllowList().map(emit);
const methods = emitted.filter((e) => e.entry.kind === "method");
const functions = emitted.filter((e) => e.entry.kind === "function");

const interfaceText = methods
  .map((e) => `    /** \`${e.docs}\` */\n    ${e.entry.name}(${e.params.join(", ")}): ${e.type};`)
  .join("\n");
const methodText = methods
  .map(
    (e) =>
      `P.${e.entry.name} = function (this: Tensor, ${e.params.join(", ")})${e.type === "this" ? "" : `: ${e.type}`} {\n  ${e.body}\n} as Tensor["${e.entry.name}"];`,
  )
  .join("\n");
const methodFile = `declare module "./tensor.js" {\n  interface Tensor {\n${interfaceText}\n  }\n}\n\n${bindings(methods)}\n\nconst P = Tensor.prototype;\n${methodText}\n`;
writeFileSync(join(OUT, "methods.generated.ts"), `${HEADER}${importsFor(methodFile, ["Tensor"])}\n\n${methodFile}`);

const functionText = functions
  .map(
    (e) => `/** \`${e.docs}\` */\nexport function ${e.entry.name}(${e.params.join(", ")}): ${e.type} {\n  ${e.body}\n}`,
  )
  .join("\n\n");
const functionFile = `${bindings(functions)}\n\n${functionText}\n`;
writeFileSync(
  join(OUT, "functions.generated.ts"),
  `${HEADER}${importsFor(functionFile, ["Tensor"])}\n\n${functionFile}`,
);
console.log(`${methods.length} methods, ${functions.length} functions, from libtorch ${native.version()}`);
