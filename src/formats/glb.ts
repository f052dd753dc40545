/**
 * GLB: a mesh and its photo in one file (glTF 2.0, binary), by glTF-Transform. The material is unlit (KHR_materials_unlit): the photo
 * has its light in it, and a viewer's lamps would light it a second time. Both sides are drawn.
 *
 * glTF-Transform's class for that extension is in a package of its own with fifty others. The ten lines that write it are here.
 */
import {
  Document,
  Extension,
  ExtensionProperty,
  type IProperty,
  type Material,
  PropertyType,
  TextureInfo,
  WebIO,
  type WriterContext,
} from '@gltf-transform/core'
import { DarError } from '../support/errors.ts'
import type { DepthMesh } from './mesh.ts'

const UNLIT = 'KHR_materials_unlit'

class Unlit extends ExtensionProperty<IProperty> {
  static override readonly EXTENSION_NAME = UNLIT
  declare readonly extensionName: typeof UNLIT
  declare readonly propertyType: 'Unlit'
  declare readonly parentTypes: [PropertyType.MATERIAL]

  protected init(): void {
    Object.assign(this, { extensionName: UNLIT, propertyType: 'Unlit', parentTypes: [PropertyType.MATERIAL] })
  }
}

class UnlitMaterials extends Extension {
  static override readonly EXTENSION_NAME = UNLIT
  override readonly extensionName = UNLIT

  createUnlit(): Unlit {
    return new Unlit(this.document.getGraph())
  }

  /** Nothing here reads one. */
  read(): this {
    return this
  }

  write(context: WriterContext): this {
    for (const material of this.document.getRoot().listMaterials()) {
      if (!material.getExtension<Unlit>(UNLIT)) continue
      const def = context.jsonDoc.json.materials![context.materialIndexMap.get(material)!]
      def.extensions = { ...def.extensions, [UNLIT]: {} }
    }
    return this
  }
}

/**
 * The bytes of a `.glb` file. `texture` is the photo as a JPEG or PNG file.
 * @throws DarError when it is neither.
 */
export async function encodeGlb(
  { positions, uvs, indices }: DepthMesh,
  texture: Uint8Array,
  { name = 'depth' }: { readonly name?: string } = {},
): Promise<Uint8Array> {
  const mimeType = texture[0] === 0xff && texture[1] === 0xd8 ? 'image/jpeg' : texture[1] === 0x50 ? 'image/png' : null
  if (mimeType === null) throw new DarError('the texture is neither a JPEG nor a PNG file; encode the photo as one')
  const document = new Document()
  const buffer = document.createBuffer()
  const accessor = (type: 'VEC3' | 'VEC2' | 'SCALAR', array: Float32Array | Uint32Array) =>
    document
      .createAccessor()
      .setType(type)
      .setArray(array as Float32Array<ArrayBuffer>)
      .setBuffer(buffer)
  const photo = document
    .createTexture('photo')
    .setImage(texture as Uint8Array<ArrayBuffer>)
    .setMimeType(mimeType)
  const material: Material = document
    .createMaterial('photo')
    .setBaseColorTexture(photo)
    .setMetallicFactor(0)
    .setRoughnessFactor(1)
    .setDoubleSided(true)
    .setExtension(UNLIT, document.createExtension(UnlitMaterials).createUnlit())
  // The photo ends at its edges.
  material
    .getBaseColorTextureInfo()
    ?.setWrapS(TextureInfo.WrapMode.CLAMP_TO_EDGE)
    .setWrapT(TextureInfo.WrapMode.CLAMP_TO_EDGE)
  const primitive = document
    .createPrimitive()
    .setAttribute('POSITION', accessor('VEC3', positions))
    .setAttribute('TEXCOORD_0', accessor('VEC2', uvs))
    .setIndices(accessor('SCALAR', indices))
    .setMaterial(material)
  const node = document.createNode(name).setMesh(document.createMesh(name).addPrimitive(primitive))
  document.getRoot().setDefaultScene(document.createScene().addChild(node))
  return new WebIO().registerExtensions([UnlitMaterials]).writeBinary(document)
}
