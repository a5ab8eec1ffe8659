/**
 * Checks this implementation against reference vectors.
 *
 * @module
 */
export { parityCommand } from "./parity-command.js";
export { formatReport, type ParityReport, type Row, type Status } from "./parity-report.js";
export { type ParityOptions, runParity } from "./run-parity.js";
