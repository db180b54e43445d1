/** What training does with vectors and pictures besides products: a part of matrix.ts. */

const VECTOR: usize = 16;

/** Writes scale * (x * x + linear * x) for every entry x. @param count a multiple of 4 */
export function square(from: usize, to: usize, count: i32, linear: f32, scale: f32): void {
  const added = f32x4.splat(linear);
  const factor = f32x4.splat(scale);
  const end = from + ((count as usize) << 2);
  while (from < end) {
    const x = v128.load(from);
    v128.store(to, f32x4.mul(factor, f32x4.mul(x, f32x4.add(x, added))));
    from += VECTOR;
    to += VECTOR;
  }
}

/** Multiplies every slope by that of `square`: scale * (2 * x + linear). @param count a multiple of 4 */
export function squareSlopes(slopes: usize, values: usize, count: i32, linear: f32, scale: f32): void {
  const end = slopes + ((count as usize) << 2);
  const twice = f32x4.splat(2 * scale);
  const added = f32x4.splat(linear * scale);
  while (slopes < end) {
    const product = f32x4.mul(v128.load(slopes), f32x4.add(added, f32x4.mul(twice, v128.load(values))));
    v128.store(slopes, product);
    slopes += VECTOR;
    values += VECTOR;
  }
}

/**
 * Lays the windows of one picture side by side: row (channel, tap), column (output position).
 * @param picture float32 [channels, height, width], padding included
 * @param pitch bytes from one row of the result to the next
 */
export function unfold(
  picture: usize,
  to: usize,
  pitch: usize,
  channels: i32,
  height: i32,
  width: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  strideY: i32,
  strideX: i32,
  outHeight: i32,
  outWidth: i32,
): void {
  const stepX: usize = (strideX as usize) << 2;
  const stepY: usize = (strideY * width) << 2;
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < kernelHeight; y++) {
      for (let x = 0; x < kernelWidth; x++) {
        let line: usize = picture + (((channel * height + y) * width + x) << 2);
        let target = to;
        for (let row = 0; row < outHeight; row++) {
          let from = line;
          for (let column = 0; column < outWidth; column++) {
            store<f32>(target, load<f32>(from));
            from += stepX;
            target += 4;
          }
          line += stepY;
        }
        to += pitch;
      }
    }
  }
}

/** The reverse for slopes: adds every entry of the windows to the pixel that it came from. */
export function fold(
  windows: usize,
  pitch: usize,
  picture: usize,
  channels: i32,
  height: i32,
  width: i32,
  kernelHeight: i32,
  kernelWidth: i32,
  strideY: i32,
  strideX: i32,
  outHeight: i32,
  outWidth: i32,
): void {
  const stepX: usize = (strideX as usize) << 2;
  const stepY: usize = (strideY * width) << 2;
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < kernelHeight; y++) {
      for (let x = 0; x < kernelWidth; x++) {
        let line: usize = picture + (((channel * height + y) * width + x) << 2);
        let from = windows;
        for (let row = 0; row < outHeight; row++) {
          let target = line;
          for (let column = 0; column < outWidth; column++) {
            store<f32>(target, load<f32>(target) + load<f32>(from));
            from += 4;
            target += stepX;
          }
          line += stepY;
        }
        windows += pitch;
      }
    }
  }
}

/**
 * One step of Adam (Kingma and Ba, 2015) with decay rates 0.9 and 0.99, where every entry keeps its two averages.
 * @param count a multiple of 4
 * @param rate learning rate times the corrections for the averages' start at 0
 */
export function adam(values: usize, slopes: usize, means: usize, squares: usize, count: i32, rate: f32): void {
  const step = f32x4.splat(rate);
  const least = f32x4.splat(1e-20);
  for (let at: usize = 0; at < (count as usize) << 2; at += VECTOR) {
    const slope = v128.load(slopes + at);
    const mean = f32x4.add(
      f32x4.mul(v128.load(means + at), f32x4.splat(0.9)),
      f32x4.mul(slope, f32x4.splat(0.1)),
    );
    const variance = f32x4.add(
      f32x4.mul(v128.load(squares + at), f32x4.splat(0.99)),
      f32x4.mul(f32x4.mul(slope, slope), f32x4.splat(0.01)),
    );
    v128.store(means + at, mean);
    v128.store(squares + at, variance);
    const change = f32x4.div(f32x4.mul(step, mean), f32x4.add(f32x4.sqrt(variance), least));
    v128.store(values + at, f32x4.sub(v128.load(values + at), change));
  }
}

/**
 * Rounds a row of real weights to integers, each drawn towards 0 first in proportion to what its input reaches:
 * nearest(max(|w| - lambda * share, 0)) with the sign of w.
 * @param shares float32, the reach of each input as a share of the largest
 * @param reaches float64, how far each input gets from 0
 * @param to float32, the integers
 * @param sums two float64: sum of weight * reach over the positive weights, and minus that over the negative ones; exact
 * below 2^53
 * @param count a multiple of 4
 * @param largest magnitude of an integer
 */
export function shrink(
  weights: usize,
  shares: usize,
  reaches: usize,
  to: usize,
  sums: usize,
  count: i32,
  lambda: f32,
  largest: f32,
): void {
  const zero = f32x4.splat(0);
  const zeros = f64x2.splat(0);
  const sign = i32x4.splat(0x80000000);
  const limit = f32x4.splat(largest);
  const by = f32x4.splat(lambda);
  let positive = zeros;
  let negative = zeros;
  for (let at: usize = 0; at < (count as usize) << 2; at += VECTOR) {
    const weight = v128.load(weights + at);
    const left = f32x4.sub(f32x4.abs(weight), f32x4.mul(by, v128.load(shares + at)));
    const size = f32x4.nearest(f32x4.min(f32x4.max(left, zero), limit));
    const whole = v128.or(size, v128.and(weight, sign));
    v128.store(to + at, whole);
    const low = f64x2.mul(f64x2.promote_low_f32x4(whole), v128.load(reaches + 2 * at));
    const high = f64x2.mul(
      f64x2.promote_low_f32x4(i32x4.shuffle(whole, whole, 2, 3, 2, 3)),
      v128.load(reaches + 2 * at, VECTOR),
    );
    positive = f64x2.add(positive, f64x2.add(f64x2.max(low, zeros), f64x2.max(high, zeros)));
    negative = f64x2.sub(negative, f64x2.add(f64x2.min(low, zeros), f64x2.min(high, zeros)));
  }
  store<f64>(sums, f64x2.extract_lane(positive, 0) + f64x2.extract_lane(positive, 1));
  store<f64>(sums + 8, f64x2.extract_lane(negative, 0) + f64x2.extract_lane(negative, 1));
}

/**
 * Draws one plane of a picture turned, stretched and shifted, and rounds it to levels: the pixel at (row, column) of the
 * result is taken, by interpolation, from (y0 + yy * row + yx * column, x0 + xy * row + xx * column); outside is 0.
 * @param from uint8 [height, width]
 * @param to float32, the result's first pixel
 * @param pitch floats from one row of the result to the next
 * @param scale levels per unit of a pixel
 */
export function warp(
  from: usize,
  to: usize,
  pitch: i32,
  height: i32,
  width: i32,
  y0: f32,
  yy: f32,
  yx: f32,
  x0: f32,
  xy: f32,
  xx: f32,
  scale: f32,
): void {
  for (let row = 0; row < height; row++) {
    let y: f32 = y0 + yy * (row as f32);
    let x: f32 = x0 + xy * (row as f32);
    let target: usize = to + ((row * pitch) << 2);
    for (let column = 0; column < width; column++) {
      const top: f32 = floor<f32>(y);
      const left: f32 = floor<f32>(x);
      const i = top as i32;
      const j = left as i32;
      let value: f32 = 0;
      if (i >= -1 && i < height && j >= -1 && j < width) {
        const down: f32 = y - top;
        const right: f32 = x - left;
        value =
          (1 - down) * ((1 - right) * pixel(from, height, width, i, j) + right * pixel(from, height, width, i, j + 1)) +
          down * ((1 - right) * pixel(from, height, width, i + 1, j) + right * pixel(from, height, width, i + 1, j + 1));
      }
      store<f32>(target, nearest<f32>(value * scale));
      target += 4;
      y += yx;
      x += xx;
    }
  }
}

// @ts-ignore: decorator
@inline
function pixel(from: usize, height: i32, width: i32, row: i32, column: i32): f32 {
  if (<u32>row >= <u32>height || <u32>column >= <u32>width) return 0;
  return load<u8>(from + row * width + column) as f32;
}

/**
 * Draws real weights towards 0, in proportion to what their inputs reach: max(|w| - by * share, 0) with the sign of w.
 * @param shares float32, as for `shrink`
 * @param count a multiple of 4
 */
export function relax(weights: usize, shares: usize, count: i32, by: f32): void {
  const zero = f32x4.splat(0);
  const sign = i32x4.splat(0x80000000);
  const step = f32x4.splat(by);
  for (let at: usize = 0; at < (count as usize) << 2; at += VECTOR) {
    const weight = v128.load(weights + at);
    const left = f32x4.max(f32x4.sub(f32x4.abs(weight), f32x4.mul(step, v128.load(shares + at))), zero);
    v128.store(weights + at, v128.or(left, v128.and(weight, sign)));
  }
}
