/** Well-known filters. */
export const KERNELS = ['gaussian', 'sobel', 'laplacian', 'sharpen', 'box'] as const;

/** Name of a well-known filter. */
export type KernelName = (typeof KERNELS)[number];
