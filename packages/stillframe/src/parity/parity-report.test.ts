import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatReport, NOT_CHECKED, ParityReport, type Row } from "./parity-report.js";

const row = (change: Partial<Row>): Row => ({
  file: "a.safetensors",
  quantity: "x.1",
  group: "x.*",
  absolute: 1e-6,
  relative: 2e-6,
  tolerance: "1e-5 abs",
  status: "pass",
  ...change,
});

function reportOf(...rows: Row[]): ParityReport {
  const report = new ParityReport();
  for (const r of rows) report.add(r);
  return report;
}

describe("formatReport", () => {
  it("shows a group's worst errors in one line", () => {
    const text = formatReport(reportOf(row({}), row({ quantity: "x.2", absolute: 3e-6, relative: 1e-6 })));
    assert.match(text, /a\.safetensors {2}x\.\* \(2\) {6}3\.0e-6 {5}2\.0e-6 {2}1e-5 abs {3}pass/);
    assert.match(text, /2 passed, 0 failed$/);
  });

  it("shows failures one by one, with what went wrong", () => {
    const failures = ["x.2", "x.3"].map((quantity) => row({ quantity, status: "FAIL", detail: `of ${quantity}` }));
    const text = formatReport(reportOf(row({}), ...failures));
    assert.match(text, /x\.2 .*FAIL\n.*x\.3 .*FAIL\n\na\.safetensors x\.2: of x\.2\na\.safetensors x\.3: of x\.3\n/);
    assert.match(text, /1 passed, 2 failed$/);
  });

  it("shows the quantities of a file that were not checked together", () => {
    const unchecked = ["p", "q"].map((quantity) => row({ quantity, group: NOT_CHECKED, status: "FAIL" }));
    const text = formatReport(reportOf(...unchecked));
    assert.match(text, /not checked \(2\)/);
    assert.match(text, /a\.safetensors not checked: p, q/);
  });

  it("shows every quantity when asked", () => {
    const text = formatReport(reportOf(row({}), row({ quantity: "x.2" })), { verbose: true });
    assert.match(text, /x\.1 .*\n.*x\.2 /);
  });
});

describe("ParityReport", () => {
  it("passes without failures, but not without checks", () => {
    assert.ok(reportOf(row({}), row({ status: "absent" }), row({ status: "not yet checked" })).passed);
    assert.ok(!reportOf(row({}), row({ status: "FAIL" })).passed);
    assert.ok(!reportOf(row({ status: "absent" })).passed);
  });
});
