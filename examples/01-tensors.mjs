// Tensors, operators, and shapes as code.
import { randn, tensor } from "@stillframe/torch";

const x = tensor([
  [1, 2],
  [3, 4],
]);
console.log(x.matmul(x).add(1).toArray()); // [8, 11, 16, 23]

const { b, t } = randn([2, 77, 768]).dims("b t 768");
console.log(b, t); // 2 77

try {
  randn([2, 77, 768]).dims("b t 2048");
} catch (e) {
  console.log(e.message); // expected shape [b, t, 2048] but received [2, 77, 768]
}
