"""The pipelines that come with the crawler: they download what items name, and take part when a project lists them.

files     FilesPipeline: any files, streamed into a store
images    ImagesPipeline: images, made JPEG, with thumbnails; needs the extra ``images``
media     what both are made of; store: where files are kept
"""
