// Checks the built package against a folder of reference vectors: `npm run parity -- --vectors DIR`.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const built = new URL("../packages/stillframe/dist/parity/index.js", import.meta.url);
if (!existsSync(built)) {
  console.error(`${fileURLToPath(built)} is not there yet: run \`npm run build\` first.`);
  process.exit(1);
}
const { parityCommand } = await import(built.href);
process.exitCode = await parityCommand(process.argv.slice(2), console.log);
