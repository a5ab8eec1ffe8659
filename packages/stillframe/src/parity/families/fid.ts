export { fidFamily as fid } from "../../evaluate/parity-fid.js";
