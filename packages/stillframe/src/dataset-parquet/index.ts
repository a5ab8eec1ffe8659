export { type DatasetCard, type DatasetConfig, type DatasetFeature, parseDatasetCard } from "./card.js";
export { type SplitChoice, type SplitFiles, splitFiles } from "./data-files.js";
export { globToRegExp, matchPaths } from "./glob.js";
export {
  isParquetDataset,
  ParquetDataset,
  type ParquetDatasetOptions,
  type ParquetPicture,
  type RowAddress,
} from "./parquet-dataset.js";
export { type ParquetColumn, ParquetShard, type RowGroupInfo } from "./parquet-shard.js";
