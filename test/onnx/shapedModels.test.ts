/** Networks shaped like those that people have, small: every linear layer encrypted, the whole equal. */
import { describe, it } from 'vitest';
import { dynamicResnet18, NARROW_RESNET_18 } from '../support/onnx/networks/dynamic.ts';
import { expectEncrypted } from '../support/onnx/networks/expectEncrypted.ts';
import { mobileNet, NARROW_MOBILE_NET } from '../support/onnx/networks/mobileNet.ts';
import { NARROW_YOLO, yolo } from '../support/onnx/networks/yolo.ts';

describe('networks of the shapes that people have', () => {
  it('MobileNetV2, signed QDQ with residual branches', () => expectEncrypted(mobileNet(NARROW_MOBILE_NET)));

  it('YOLO, signed QDQ with SiLU, concat, upsampling and sigmoid heads', () =>
    expectEncrypted(yolo(NARROW_YOLO)));

  it('ResNet-18, dynamically quantized', () => expectEncrypted(dynamicResnet18(NARROW_RESNET_18)));
});
