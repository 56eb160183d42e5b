/** A photo made ready to send: checked, and scaled down so that a phone's picture travels fast. */

const LONGEST_SIDE = 2048;
const PREVIEW_SIDE = 480;
const SMALL_ENOUGH = 1_000_000;

/** Why a photo cannot be sent; `message` is a label's key. */
export class PhotoError extends Error {}

/**
 * @param {File} file what the shopper chose
 * @param {{types: string[], maxBytes: number}} limits of the server
 * @returns {Promise<{file: Blob, preview: string}>} `preview` is a data: address
 */
export async function prepare(file, { types, maxBytes }) {
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new PhotoError("photo_type");
  }
  const small = Math.max(picture.width, picture.height) <= LONGEST_SIDE && file.size < SMALL_ENOUGH;
  const ready = small && types.includes(file.type) ? file : await shrink(picture);
  if (ready.size > maxBytes) throw new PhotoError("photo_large");
  const preview = draw(picture, PREVIEW_SIDE).toDataURL("image/jpeg", 0.8);
  picture.close();
  return { file: ready, preview };
}

/** A data: address of a picture, which a strict CSP lets a page show. */
export function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

function shrink(picture) {
  return new Promise((resolve) => draw(picture, LONGEST_SIDE).toBlob(resolve, "image/jpeg", 0.85));
}

function draw(picture, longest) {
  const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const pen = canvas.getContext("2d");
  // JPEG has no transparency.
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}
