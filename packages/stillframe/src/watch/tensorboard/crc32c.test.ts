import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c, maskedCrc32c } from "./crc32c.js";

const counting = Uint8Array.from({ length: 32 }, (_, i) => i);

test("the checksum's published examples (RFC 3720, B.4)", () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(counting), 0x46dd794e);
  assert.equal(crc32c(counting.toReversed()), 0x113fdb5c);
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(0)), 0);
});

test("the masked checksum of a record that TensorFlow wrote", () => {
  assert.equal(maskedCrc32c(Buffer.from("\x1a\x11CRC test, one two", "latin1")), 0x5794d08a);
});
