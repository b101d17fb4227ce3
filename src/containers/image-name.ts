/** The name of an image by which its program is known; registry, tag and digest do not matter. */
export function imageName(image: string): string {
  return image
    .replace(/@.*$/, '')
    .replace(/:[^/:]*$/, '')
    .split('/')
    .slice(-2)
    .join('/');
}
