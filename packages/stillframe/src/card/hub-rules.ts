import { z } from "zod";
import { HUB_LICENCES } from "./hub-licences.js";

/** `organisation/name` or `name`, as the Hub's check of front matter demands of data sets and models. */
const repoId = z.string().regex(/^(?:[\w-]+\/)?[\w.-]+$/);
const line = z.string().min(1);
const oneOrMore = <S extends z.ZodType>(schema: S) => z.union([schema, z.array(schema).min(1)]);

const metric = z.strictObject({
  type: line,
  value: z.union([z.number(), line]),
  name: line.optional(),
  config: line.optional(),
  args: z.record(z.string(), z.json()).optional(),
  verified: z.boolean().optional(),
});

const result = z.strictObject({
  task: z.strictObject({ type: line, name: line.optional() }),
  dataset: z.strictObject({
    type: repoId,
    name: line,
    config: line.optional(),
    split: line.optional(),
    revision: line.optional(),
    args: z.record(z.string(), z.json()).optional(),
  }),
  metrics: z.array(metric).min(1),
  source: z.strictObject({ name: line.optional(), url: z.url() }).optional(),
});

const widget = z.looseObject({
  text: z.string().optional(),
  parameters: z.record(z.string(), z.json()).optional(),
  output: z
    .strictObject({
      /** A file of the repository, or an address. */
      url: z.union([z.url({ protocol: /^https$/ }), z.string().regex(/^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))[^\\:]+$/)]),
    })
    .optional(),
});

/**
 * What the Hub accepts between the `---` lines of a model card, as far as it says so: the metadata specification
 * (github.com/huggingface/hub-docs, modelcard.md), the pages on model cards, licences and widgets, and the messages of its
 * check. Keys that it does not know are allowed.
 */
export const HubFrontMatterSchema = z
  .looseObject({
    license: oneOrMore(z.enum(HUB_LICENCES)).optional(),
    license_name: line.optional(),
    license_link: z.union([z.enum(["LICENSE", "LICENSE.md"]), z.url()]).optional(),
    language: oneOrMore(line).optional(),
    library_name: line.optional(),
    pipeline_tag: z
      .string()
      .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/)
      .optional(),
    tags: z.array(line).optional(),
    datasets: oneOrMore(repoId).optional(),
    metrics: oneOrMore(line).optional(),
    base_model: oneOrMore(repoId).optional(),
    base_model_relation: z.enum(["adapter", "finetune", "merge", "quantized"]).optional(),
    instance_prompt: z.string().nullable().optional(),
    widget: z.array(widget).optional(),
    "model-index": z
      .array(z.strictObject({ name: line, results: z.array(result).min(1) }))
      .min(1)
      .optional(),
  })
  .superRefine((card, context) => {
    const problem = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (card.license === "other" && card.license_name === undefined)
      problem("license_name", "a licence that the Hub does not know needs a name");
    if (card.license_name !== undefined && card.license !== "other")
      problem("license_name", "belongs to license: other alone");
    if (card.base_model_relation !== undefined && card.base_model === undefined)
      problem("base_model_relation", "needs base_model");
    if (card.tags !== undefined && new Set(card.tags).size < card.tags.length)
      problem("tags", "expected every tag once");
  });
export type HubFrontMatter = z.output<typeof HubFrontMatterSchema>;

/** What the Hub would not accept of a front matter, a sentence each; none when it is fine. */
export function frontMatterProblems(value: unknown): string[] {
  const checked = HubFrontMatterSchema.safeParse(value);
  if (checked.success) return [];
  return checked.error.issues.map((issue) => `${issue.path.join(".") || "front matter"}: ${issue.message}`);
}
