export {
  EXPORTABLE_FAMILIES,
  exportOnnx,
  OUTPUTS as ONNX_OUTPUTS,
  type OnnxExport,
  type OnnxSource,
} from './export';
export { onnxInputs, type OnnxInput } from './inputs';
export { FEATURES_INPUT, type InputSection, type OnnxLayout } from './layout';
export { readOnnxDescription, type OnnxDescription } from './metadata';
