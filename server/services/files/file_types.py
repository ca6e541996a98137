"""Types of files in the words of the pages, by the endings of their names."""
from __future__ import annotations

OTHER = "Other"
ENDINGS = {
    "Documents": "doc docx docm dot dotx odt ott rtf txt md pdf xls xlsx xlsm xlsb ods csv ppt pptx pps ppsx odp key "
                 "pages numbers epub tex xps one vsd vsdx pub wpd",
    "Pictures": "jpg jpeg png gif bmp tif tiff heic heif webp svg raw cr2 cr3 nef arw dng orf rw2 psd ai eps indd xcf "
                "ico",
    "Videos": "mp4 mov avi mkv wmv m4v mpg mpeg webm flv 3gp mts m2ts vob",
    "Music and sound": "mp3 m4a wav flac aac ogg oga opus wma aif aiff mid midi amr",
    "Mail": "pst ost eml msg mbox mbx dbx emlx nsf",
    "Archives": "zip 7z rar gz tgz bz2 xz tar zst iso img vhd vhdx vmdk cab dmg",
    "Databases": "mdb accdb sqlite sqlite3 db mdf ldf ndf bak dbf fdb sql qbw qbb myd myi ibd",
    "Programs": "exe dll msi sys bat cmd ps1 sh jar apk deb rpm so py js ts c h cpp cs java go rs php html css json "
                "xml yml yaml",
}
TYPES = {ending: word for word, endings in ENDINGS.items() for ending in endings.split()}


def type_of(ending: str) -> str:
    """The word for files with that ending, in small letters and without its dot."""
    return TYPES.get(ending, OTHER)
