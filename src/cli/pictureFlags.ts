import { Option } from '@commander-js/extra-typings';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { PictureRules } from '../frontend/pictureFit.ts';

/** Adds what may be done to a picture that does not fit; `pictureRules` reads it. */
export function addPictureFlags(command: CommandUnknownOpts): void {
  command.addOption(new Option('--grey', 'make a colour picture grey for a filter of one channel'));
  command.addOption(new Option('--resize', 'scale the middle of a picture to the size that is needed'));
}

export function pictureRules(command: { readonly getOptionValue: (name: string) => unknown }): PictureRules {
  return {
    grey: command.getOptionValue('grey') === true,
    resize: command.getOptionValue('resize') === true,
  };
}
