import type { NativeBackend } from './native';

/**
 * Every attribute name that operations are given here: those in the sources of tfjs-node 4.22 (and -gpu, the same), and our own.
 * tests/learning/backends holds the list against both.
 */
export const NATIVE_ATTRIBUTES: readonly string[] = [
  ...['DstT', 'Index', 'N', 'SrcT', 'T', 'TI', 'T_threshold', 'Taxis', 'Tblock_shape', 'Tcomplex', 'Tcrops'],
  ...['Tidx', 'Tindices', 'Tlen', 'Tmultiples', 'Tnumsegments', 'Tout', 'Tpaddings', 'Tparams', 'Tperm'],
  ...['Truncate', 'Tsegmentids', 'Tshape', 'acceptable_fraction', 'adj_x', 'adj_y', 'align_corners', 'alpha'],
  ...['axis', 'batch_dims', 'begin_mask', 'beta', 'bias', 'block_size', 'channels', 'chroma_downsampling'],
  ...['compression', 'container', 'data_format', 'dct_method', 'density_unit', 'depth_radius', 'dilations'],
  ...['dtype', 'ellipsis_mask', 'end_mask', 'epsilon', 'equation', 'exclusive', 'explicit_paddings'],
  ...['extrapolation_value', 'fancy_upscaling', 'format', 'half_pixel_centers', 'ignore_lookup_error'],
  ...[
    'index_type',
    'is_training',
    'keep_dims',
    'ksize',
    'method',
    'mode',
    'new_axis_mask',
    'num',
    'num_split',
  ],
  ...[
    'optimize_size',
    'out_idx',
    'output_dtype',
    'output_type',
    'pad_to_max_output_size',
    'padding',
    'pattern',
  ],
  ...['progressive', 'quality', 'rates', 'ratio', 'replace_global', 'reverse', 'rewrite', 'seed', 'seed2'],
  ...['shape', 'shared_name', 'shrink_axis_mask', 'sorted', 'strides', 'transpose_a', 'transpose_b'],
  ...['try_recover_truncated', 'use_cudnn_on_gpu', 'use_locking', 'use_nesterov', 'validate_indices'],
  ...['validate_shape', 'x_density', 'xmp_metadata', 'y_density'],
];

/** No attribute type of TensorFlow: the operation is refused once the name has been taken down. */
const NO_TYPE = -1;

/**
 * Makes the native binding take down every attribute name. It keeps them in one set for all threads, with nothing to guard it
 * (ATTR_NAME_SET in binding/tfjs_backend.cc), and two threads that add names at once end the process by a segmentation fault. Once all
 * are in, operations only look names up. Call it under a lock, before the thread's first operation.
 */
export function registerAttributeNames(backend: Pick<NativeBackend, 'executeSingleOutput'>): void {
  for (const name of NATIVE_ATTRIBUTES) {
    try {
      backend.executeSingleOutput('NoOp', [{ name, type: NO_TYPE, value: 0 }], []);
    } catch {
      // As meant: the type is none.
    }
  }
}
