/** Whole networks of the shapes that people have; docs/onnx.md has their figures. */
import { describe, it } from 'vitest';
import { dynamicResnet18, RESNET_18 } from '../support/onnx/networks/dynamic.ts';
import { expectEncrypted } from '../support/onnx/networks/expectEncrypted.ts';
import { mobileNet, MOBILE_NET_V2 } from '../support/onnx/networks/mobileNet.ts';
import { yolo, YOLO_N } from '../support/onnx/networks/yolo.ts';

const PATIENCE_MS = 1_200_000;

describe('whole networks', () => {
  it('MobileNetV2', () => expectEncrypted(mobileNet(MOBILE_NET_V2)), PATIENCE_MS);
  it('ResNet-18, dynamically quantized', () => expectEncrypted(dynamicResnet18(RESNET_18)), PATIENCE_MS);
  it('a YOLO-shaped detector', () => expectEncrypted(yolo(YOLO_N)), PATIENCE_MS);
});
