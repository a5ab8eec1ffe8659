import assert from "node:assert/strict";
import { test } from "node:test";
import { processTerminal } from "./terminal.js";

/** The terminal as it would be on a screen of `columns`. */
function onScreen(env: NodeJS.ProcessEnv, columns?: number) {
  const { stdout } = process;
  const real = { isTTY: stdout.isTTY, columns: stdout.columns };
  Object.assign(stdout, { isTTY: true, columns });
  try {
    const terminal = processTerminal(env);
    return { interactive: terminal.interactive, color: terminal.color, columns: terminal.columns() };
  } finally {
    Object.assign(stdout, real);
  }
}

test("a screen has colour and its own width", () => {
  assert.deepEqual(onScreen({}, 133), { interactive: true, color: true, columns: 133 });
});

test("NO_COLOR takes the colour, not the bar; an empty one takes nothing", () => {
  assert.deepEqual(onScreen({ NO_COLOR: "1" }, 80), { interactive: true, color: false, columns: 80 });
  assert.equal(onScreen({ NO_COLOR: "" }, 80).color, true);
});

test("a dumb terminal is not drawn on", () => {
  assert.deepEqual(onScreen({ TERM: "dumb" }, 80), { interactive: false, color: false, columns: 80 });
});

test("COLUMNS wins, and without any width it is 80", () => {
  assert.equal(onScreen({ COLUMNS: "50" }, 133).columns, 50);
  assert.equal(onScreen({ COLUMNS: "wide" }).columns, 80);
});
