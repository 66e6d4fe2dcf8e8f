from django.urls import path

from apps.conversations import views, views_break_glass, views_messages, views_sharing, views_usage

app_name = "conversations"
urlpatterns = [
    path("", views.conversation_new, name="conversation-new"),
    path("conversations/", views.conversation_list, name="conversation-list"),
    path("conversations/shared/", views.conversation_shared, name="conversation-shared"),
    path("conversations/<uuid:conversation_id>/share/", views_sharing.conversation_share, name="conversation-share"),
    path("conversations/<uuid:conversation_id>/", views.conversation_detail, name="conversation-detail"),
    path("conversations/<uuid:conversation_id>/item/", views.conversation_item, name="conversation-item"),
    path("conversations/<uuid:conversation_id>/rename/", views.conversation_rename, name="conversation-rename"),
    path("conversations/<uuid:conversation_id>/delete/", views.conversation_remove, name="conversation-delete"),
    path("conversations/<uuid:conversation_id>/messages/", views.message_create, name="message-create"),
    path("conversations/<uuid:conversation_id>/stop/", views.conversation_stop, name="reply-stop"),
    path("conversations/<uuid:conversation_id>/branch/", views.branch_choose, name="branch-select"),
    path("messages/<uuid:message_id>/", views_messages.message_detail, name="message-detail"),
    path("messages/<uuid:message_id>/edit/", views_messages.message_edit, name="message-edit"),
    path("messages/<uuid:message_id>/regenerate/", views_messages.message_regenerate, name="reply-regenerate"),
    path("messages/<uuid:message_id>/frames/", views_messages.message_frames, name="message-frames"),
    path("messages/<uuid:message_id>/citations/<int:index>/", views_messages.citation_detail, name="citation-detail"),
    path("settings/usage/", views_usage.usage, name="usage"),
    path("break-glass/<uuid:access_id>/", views_break_glass.break_glass_list, name="break-glass-list"),
    path(
        "break-glass/<uuid:access_id>/conversations/<uuid:conversation_id>/",
        views_break_glass.break_glass_read,
        name="break-glass-read",
    ),
    path("documents/<uuid:document_id>/pages/<int:page>.png", views_messages.document_page, name="document-page"),
]
