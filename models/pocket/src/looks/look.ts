import type { Raster } from "../raster.js";
import type { Scene } from "../scene.js";

/** Draws a scene in one look. The same scene at the same size gives the same bytes. */
export type Draw = (scene: Scene, size: number) => Promise<Raster>;
