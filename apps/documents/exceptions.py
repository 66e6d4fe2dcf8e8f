"""Errors of documents. Those of files end on the version's row as code and detail, with what the person can do."""

from chatbot.lib.errors import AppError, NotFoundError


class UploadTooLargeError(AppError):
    code = "upload_too_large"
    status = 413
    title = "This file is larger than what may be uploaded."


class NoPagesError(NotFoundError):
    code = "no_page_image"
    title = "There is no picture of this page. Only PDF documents have pages to show; open the original file instead."


class UnreadableFileError(AppError):
    """The file cannot become text. Subclasses say why; each title says what to do."""

    code = "unreadable"
    status = 422
    title = "This file could not be read. Save it as a new PDF in the program it was made with and upload that."


class UnsupportedTypeError(UnreadableFileError):
    code = "unsupported_type"
    title = "Files of this type cannot be read. Upload a PDF, Word (.docx), text or Markdown file."


class EmptyFileError(UnreadableFileError):
    code = "empty_file"
    title = "The file is empty. Check it on your device and upload it again."


class NoTextError(UnreadableFileError):
    code = "no_text"
    title = (
        "No text was found; the pages seem to be pictures, such as scans. "
        "Run text recognition (OCR) over the file and upload the result."
    )


class EncryptedFileError(UnreadableFileError):
    code = "encrypted"
    title = "The file is protected by a password. Remove the password and upload it again."


class BrokenFileError(UnreadableFileError):
    code = "broken_file"
    title = "The file is damaged or incomplete. Open it on your device, save it as a new file, and upload that."


class TooComplexError(UnreadableFileError):
    code = "too_complex"
    title = "The file is too large or too complex inside to be read. Split it into smaller files and upload those."


class FileLostError(UnreadableFileError):
    code = "file_lost"
    title = "The stored file is missing. Upload it again."
